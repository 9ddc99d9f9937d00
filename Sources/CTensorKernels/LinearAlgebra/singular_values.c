#pragma STDC FP_CONTRACT OFF

#include "factorization_batch.h"

#include <math.h>

/// A decomposition of one matrix of a call, wide ones by way of their transpose.
typedef struct decomposition {
    ptrdiff_t tall, narrow;
    bool transposed;
    ptrdiff_t left_rows;
    double *s, *left, *right;
    mw_factorization_status status;
} decomposition;

static ptrdiff_t decomposition_scratch(ptrdiff_t m, ptrdiff_t n, bool vectors, bool complete) {
    const ptrdiff_t tall = m < n ? n : m, narrow = m < n ? m : n;
    const ptrdiff_t rows = complete ? tall : narrow;
    return 2 * tall * narrow + narrow + (vectors ? rows * tall + narrow * narrow : 0) +
           mw_tall_svd_scratch(tall, narrow);
}

static decomposition decompose(
    const mw_factorization_call *call, ptrdiff_t matrix, bool vectors, bool complete, double *scratch) {
    const ptrdiff_t m = call->m, n = call->n;
    decomposition result = {.tall = m < n ? n : m, .narrow = m < n ? m : n, .transposed = m < n};
    const ptrdiff_t tall = result.tall, narrow = result.narrow;
    result.left_rows = !vectors ? 0 : complete ? tall : narrow;
    double *a = scratch, *copy = a + m * n;
    result.s = copy + m * n;
    result.left = result.s + narrow;
    result.right = result.left + result.left_rows * tall;
    double *rest = result.right + (vectors ? narrow * narrow : 0);
    mw_widen(call->dtype, a, call->a, matrix * m * n, m * n);
    if (result.transposed) {
        for (ptrdiff_t i = 0; i < m; i++) {
            for (ptrdiff_t j = 0; j < n; j++) {
                copy[j * m + i] = a[i * n + j];
            }
        }
        a = copy;
    }
    result.status = mw_tall_svd(a, tall, narrow, result.s, result.left, result.left_rows, result.right, rest);
    return result;
}

/// Rounds the transpose of `rows` [count, length] into a result.
static void round_transposed(
    mw_dtype dtype, void *out, ptrdiff_t offset, const double *rows, ptrdiff_t count, ptrdiff_t length) {
    for (ptrdiff_t i = 0; i < length; i++) {
        for (ptrdiff_t r = 0; r < count; r++) {
            mw_round(dtype, out, offset + i * count + r, rows + r * length + i, 1);
        }
    }
}

static mw_factorization_status factor(const mw_factorization_call *call, ptrdiff_t matrix, double *scratch) {
    const bool vectors = call->out[0] != NULL;
    const decomposition found = decompose(call, matrix, vectors, call->flag, scratch);
    if (found.status != MW_FACTORIZATION_DONE) {
        return found.status;
    }
    const ptrdiff_t tall = found.tall, narrow = found.narrow, left_size = found.left_rows * tall;
    mw_round(call->dtype, call->out[1], matrix * narrow, found.s, narrow);
    if (!vectors) {
        return MW_FACTORIZATION_DONE;
    }
    if (found.transposed) {
        round_transposed(call->dtype, call->out[0], matrix * narrow * narrow, found.right, narrow, narrow);
        mw_round(call->dtype, call->out[2], matrix * left_size, found.left, left_size);
    } else {
        round_transposed(call->dtype, call->out[0], matrix * left_size, found.left, found.left_rows, tall);
        mw_round(call->dtype, call->out[2], matrix * narrow * narrow, found.right, narrow * narrow);
    }
    return MW_FACTORIZATION_DONE;
}

static double decomposition_work(ptrdiff_t m, ptrdiff_t n) {
    const double tall = (double)(m < n ? n : m), narrow = (double)(m < n ? m : n);
    return narrow * narrow * (4 * tall + 40 * narrow);
}

mw_factorization_outcome mw_singular_values(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, bool complete, void *u, void *s, void *vt,
    const void *a) {
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .m = m,
        .n = n,
        .flag = complete,
        .a = a,
        .out = {u, s, vt},
        .scratch = decomposition_scratch(m, n, u != NULL, complete),
        .work = decomposition_work(m, n),
        .one = factor,
    });
}

/// X = A⁺ · B, where b is [m, columns], or the identity when null.
static mw_factorization_status pseudo_solve(const mw_factorization_call *call, ptrdiff_t matrix, double *scratch) {
    const ptrdiff_t m = call->m, n = call->n, columns = call->columns;
    double *x = scratch, *b = x + n * columns, *part = b + (call->b == NULL ? 0 : m * columns);
    const decomposition found = decompose(call, matrix, true, false, part + columns);
    if (found.status != MW_FACTORIZATION_DONE) {
        return found.status;
    }
    if (call->b != NULL) {
        mw_widen(call->dtype, b, call->b, matrix * m * columns, m * columns);
    }
    memset(x, 0, (size_t)(n * columns) * sizeof(double));
    for (ptrdiff_t r = 0; r < found.narrow; r++) {
        if (!(found.s[r] > call->tolerance * found.s[0])) {
            break;
        }
        const double *u = found.transposed ? found.right + r * m : found.left + r * m;
        const double *v = found.transposed ? found.left + r * n : found.right + r * n;
        const double *product = u;
        if (call->b != NULL) {
            memset(part, 0, (size_t)columns * sizeof(double));
            for (ptrdiff_t i = 0; i < m; i++) {
                mw_add_multiple(part, u[i], b + i * columns, columns);
            }
            product = part;
        }
        for (ptrdiff_t i = 0; i < n; i++) {
            mw_add_multiple(x + i * columns, v[i] / found.s[r], product, columns);
        }
    }
    mw_round(call->dtype, call->out[0], matrix * n * columns, x, n * columns);
    return MW_FACTORIZATION_DONE;
}

mw_factorization_outcome mw_pseudo_inverse(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, double tolerance, void *inverse, const void *a) {
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .m = m,
        .n = n,
        .columns = m,
        .tolerance = tolerance,
        .a = a,
        .out = {inverse},
        .scratch = n * m + m + decomposition_scratch(m, n, true, false),
        .work = decomposition_work(m, n),
        .one = pseudo_solve,
    });
}

mw_factorization_outcome mw_least_squares(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, ptrdiff_t columns, double tolerance, void *x,
    const void *a, const void *b) {
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .m = m,
        .n = n,
        .columns = columns,
        .tolerance = tolerance,
        .a = a,
        .b = b,
        .out = {x},
        .scratch = (n + m + 1) * columns + decomposition_scratch(m, n, true, false),
        .work = decomposition_work(m, n),
        .one = pseudo_solve,
    });
}

static mw_factorization_status count_rank(const mw_factorization_call *call, ptrdiff_t matrix, double *scratch) {
    const decomposition found = decompose(call, matrix, false, false, scratch);
    int64_t rank = 0;
    while (found.status == MW_FACTORIZATION_DONE && rank < found.narrow &&
           found.s[rank] > call->tolerance * found.s[0]) {
        rank++;
    }
    ((int64_t *)call->out[0])[matrix] = rank;
    return found.status;
}

mw_factorization_outcome mw_matrix_rank(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, double tolerance, int64_t *rank, const void *a) {
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .m = m,
        .n = n,
        .tolerance = tolerance,
        .a = a,
        .out = {rank},
        .scratch = decomposition_scratch(m, n, false, false),
        .work = decomposition_work(m, n) / 2,
        .one = count_rank,
    });
}

/// The larger of two sums, or NaN where one is NaN.
static double larger(double a, double b) { return a > b || a != a ? a : b; }

/// The smaller of two sums, or NaN where one is NaN.
static double smaller(double a, double b) { return a < b || a != a ? a : b; }

/// Whether the kind is that of sums of elements, and needs no singular values.
static bool is_of_elements(mw_matrix_norm_kind kind) {
    return kind == MW_NORM_FROBENIUS || kind == MW_NORM_ONE || kind == MW_NORM_INFINITY || kind == MW_NORM_MINUS_ONE ||
           kind == MW_NORM_MINUS_INFINITY;
}

static double norm_of_elements(mw_matrix_norm_kind kind, ptrdiff_t m, ptrdiff_t n, const double *a) {
    if (kind == MW_NORM_FROBENIUS) {
        return mw_euclidean_norm(a, m * n);
    }
    const bool rows = kind == MW_NORM_INFINITY || kind == MW_NORM_MINUS_INFINITY;
    const bool least = kind == MW_NORM_MINUS_ONE || kind == MW_NORM_MINUS_INFINITY;
    double norm = least ? INFINITY : 0;
    for (ptrdiff_t i = 0; i < (rows ? m : n); i++) {
        double sum = 0;
        for (ptrdiff_t j = 0; j < (rows ? n : m); j++) {
            sum += fabs(rows ? a[i * n + j] : a[j * n + i]);
        }
        norm = least ? smaller(norm, sum) : larger(norm, sum);
    }
    return norm;
}

static mw_factorization_status measure(const mw_factorization_call *call, ptrdiff_t matrix, double *scratch) {
    const ptrdiff_t m = call->m, n = call->n;
    const mw_matrix_norm_kind kind = (mw_matrix_norm_kind)call->kind;
    double norm = 0;
    if (is_of_elements(kind)) {
        mw_widen(call->dtype, scratch, call->a, matrix * m * n, m * n);
        norm = norm_of_elements(kind, m, n, scratch);
    } else {
        const decomposition found = decompose(call, matrix, false, false, scratch);
        if (found.status != MW_FACTORIZATION_DONE) {
            return found.status;
        }
        const ptrdiff_t count = found.narrow;
        for (ptrdiff_t r = count - 1; r >= 0 && kind == MW_NORM_NUCLEAR; r--) {
            norm += found.s[r];
        }
        if (count > 0 && kind == MW_NORM_SPECTRAL) {
            norm = found.s[0];
        } else if (count > 0 && kind == MW_NORM_CONDITION) {
            norm = found.s[count - 1] == 0 ? INFINITY : found.s[0] / found.s[count - 1];
        } else if (count > 0 && kind == MW_NORM_MINUS_TWO) {
            norm = found.s[count - 1];
        } else if (count > 0 && kind == MW_NORM_MINUS_CONDITION) {
            norm = found.s[0] == 0 ? INFINITY : found.s[count - 1] / found.s[0];
        }
    }
    mw_round(call->dtype, call->out[0], matrix, &norm, 1);
    return MW_FACTORIZATION_DONE;
}

mw_factorization_outcome mw_matrix_norm(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, mw_matrix_norm_kind kind, void *norm, const void *a) {
    const bool elements = is_of_elements(kind);
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .m = m,
        .n = n,
        .kind = (int)kind,
        .a = a,
        .out = {norm},
        .scratch = elements ? m * n : decomposition_scratch(m, n, false, false),
        .work = elements ? (double)m * (double)n : decomposition_work(m, n) / 2,
        .one = measure,
    });
}
