#pragma STDC FP_CONTRACT OFF

#include "factorization_batch.h"

#include <math.h>

/// Row by row, so that every sum runs over two contiguous rows of L.
static mw_factorization_status factor(const mw_factorization_call *call, ptrdiff_t matrix, double *l) {
    const ptrdiff_t n = call->n;
    mw_widen(call->dtype, l, call->a, matrix * n * n, n * n);
    for (ptrdiff_t i = 0; i < n; i++) {
        double *row = l + i * n;
        for (ptrdiff_t j = 0; j < i; j++) {
            row[j] = (row[j] - mw_dot(row, l + j * n, j)) / l[j * n + j];
        }
        const double pivot = row[i] - mw_dot(row, row, i);
        if (!(pivot > 0)) {
            return MW_FACTORIZATION_NOT_POSITIVE_DEFINITE;
        }
        row[i] = sqrt(pivot);
        memset(row + i + 1, 0, (size_t)(n - i - 1) * sizeof(double));
    }
    mw_round(call->dtype, call->out[0], matrix * n * n, l, n * n);
    return MW_FACTORIZATION_DONE;
}

mw_factorization_outcome mw_cholesky(mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *l, const void *a) {
    const double size = (double)n;
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .n = n,
        .a = a,
        .out = {l},
        .scratch = n * n,
        .work = size * size * size / 6,
        .one = factor,
    });
}
