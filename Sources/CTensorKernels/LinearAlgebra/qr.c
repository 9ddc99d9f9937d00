#pragma STDC FP_CONTRACT OFF

#include "factorization_batch.h"

/// A [rows, columns] with a row stride becomes H · A; `sums` has room for `columns` elements.
static void reflect(
    double tau, const double *v, double *a, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t row_stride, double *sums) {
    if (tau == 0 || columns == 0) {
        return;
    }
    memset(sums, 0, (size_t)columns * sizeof(double));
    for (ptrdiff_t i = 0; i < rows; i++) {
        mw_add_multiple(sums, v[i], a + i * row_stride, columns);
    }
    for (ptrdiff_t i = 0; i < rows; i++) {
        mw_add_multiple(a + i * row_stride, -tau * v[i], sums, columns);
    }
}

/// The reflections are kept one after the other, each without its leading zeros, as rows of `reflectors` [k, m].
static mw_factorization_status factor(const mw_factorization_call *call, ptrdiff_t matrix, double *a) {
    const ptrdiff_t m = call->m, n = call->n, steps = m < n ? m : n, k = call->flag ? m : steps;
    double *reflectors = a + m * n;
    double *q = reflectors + steps * m;
    double *taus = q + m * k;
    double *sums = taus + steps;
    mw_widen(call->dtype, a, call->a, matrix * m * n, m * n);
    for (ptrdiff_t step = 0; step < steps; step++) {
        double *v = reflectors + step * m + step;
        for (ptrdiff_t i = step; i < m; i++) {
            v[i - step] = a[i * n + step];
        }
        double beta;
        taus[step] = mw_reflector(v, m - step, &beta);
        a[step * n + step] = beta;
        for (ptrdiff_t i = step + 1; i < m; i++) {
            a[i * n + step] = 0;
        }
        reflect(taus[step], v, a + step * n + step + 1, m - step, n - step - 1, n, sums);
    }
    mw_round(call->dtype, call->out[1], matrix * k * n, a, (k < m ? k : m) * n);

    // Q = H₀ · H₁ · … · I, from the last on: the columns before a reflection's own are still those of the identity.
    memset(q, 0, (size_t)(m * k) * sizeof(double));
    for (ptrdiff_t i = 0; i < k; i++) {
        q[i * k + i] = 1;
    }
    for (ptrdiff_t step = steps - 1; step >= 0; step--) {
        reflect(taus[step], reflectors + step * m + step, q + step * k + step, m - step, k - step, k, sums);
    }
    mw_round(call->dtype, call->out[0], matrix * m * k, q, m * k);
    return MW_FACTORIZATION_DONE;
}

mw_factorization_outcome mw_qr(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, bool complete, void *q, void *r, const void *a) {
    const ptrdiff_t steps = m < n ? m : n, k = complete ? m : steps;
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .m = m,
        .n = n,
        .flag = complete,
        .a = a,
        .out = {q, r},
        .scratch = m * n + steps * m + m * k + steps + n + k,
        .work = (double)m * (double)steps * (double)(n + k) * 2,
        .one = factor,
    });
}
