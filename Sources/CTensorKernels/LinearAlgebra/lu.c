#pragma STDC FP_CONTRACT OFF

#include "factorization_batch.h"

#include <math.h>

int mw_factor_lu(double *a, ptrdiff_t m, ptrdiff_t n, ptrdiff_t *order) {
    int sign = 1;
    for (ptrdiff_t i = 0; i < m; i++) {
        order[i] = i;
    }
    for (ptrdiff_t k = 0; k < m && k < n; k++) {
        ptrdiff_t pivot = k;
        for (ptrdiff_t i = k + 1; i < m; i++) {
            // A NaN is taken for the largest, so that no pivot of 0 hides it.
            const double candidate = fabs(a[i * n + k]), largest = fabs(a[pivot * n + k]);
            if (largest == largest && !(candidate <= largest)) {
                pivot = i;
            }
        }
        if (pivot != k) {
            for (ptrdiff_t j = 0; j < n; j++) {
                const double element = a[k * n + j];
                a[k * n + j] = a[pivot * n + j];
                a[pivot * n + j] = element;
            }
            const ptrdiff_t row = order[k];
            order[k] = order[pivot];
            order[pivot] = row;
            sign = -sign;
        }
        const double *row = a + k * n;
        if (row[k] == 0) {
            continue;
        }
        for (ptrdiff_t i = k + 1; i < m; i++) {
            const double factor = a[i * n + k] / row[k];
            a[i * n + k] = factor;
            if (factor != 0) {
                mw_add_multiple(a + i * n + k + 1, -factor, row + k + 1, n - k - 1);
            }
        }
    }
    return sign;
}

static mw_factorization_status factor(const mw_factorization_call *call, ptrdiff_t matrix, double *a) {
    const ptrdiff_t m = call->m, n = call->n, k = m < n ? m : n;
    double *row = a + m * n;
    ptrdiff_t *order = (ptrdiff_t *)(row + m + n);
    mw_widen(call->dtype, a, call->a, matrix * m * n, m * n);
    mw_factor_lu(a, m, n, order);
    for (ptrdiff_t i = 0; i < m; i++) {
        for (ptrdiff_t j = 0; j < k; j++) {
            row[j] = j < i ? a[i * n + j] : j == i;
        }
        mw_round(call->dtype, call->out[0], (matrix * m + i) * k, row, k);
        for (ptrdiff_t j = 0; j < n && i < k; j++) {
            row[j] = j < i ? 0 : a[i * n + j];
        }
        if (i < k) {
            mw_round(call->dtype, call->out[1], (matrix * k + i) * n, row, n);
        }
    }
    for (ptrdiff_t i = 0; i < m; i++) {
        row[i] = (double)order[i];
    }
    mw_round(call->dtype, call->out[2], matrix * m, row, m);
    return MW_FACTORIZATION_DONE;
}

mw_factorization_outcome mw_lu(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, void *l, void *u, void *permutation, const void *a) {
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .m = m,
        .n = n,
        .a = a,
        .out = {l, u, permutation},
        .scratch = m * n + 2 * m + n,
        .work = (double)m * (double)n * (double)(m < n ? m : n) / 2,
        .one = factor,
    });
}

/// X = T⁻¹ · X for a triangle T of a [n, n], row by row; false where its diagonal has a 0.
static bool substitute(
    const double *a, ptrdiff_t n, bool lower, bool unit_diagonal, double *x, ptrdiff_t columns) {
    for (ptrdiff_t step = 0; step < n; step++) {
        const ptrdiff_t i = lower ? step : n - 1 - step;
        double *row = x + i * columns;
        const ptrdiff_t begin = lower ? 0 : i + 1;
        const ptrdiff_t end = lower ? i : n;
        for (ptrdiff_t j = begin; j < end; j++) {
            mw_add_multiple(row, -a[i * n + j], x + j * columns, columns);
        }
        if (unit_diagonal) {
            continue;
        }
        const double diagonal = a[i * n + i];
        if (diagonal == 0) {
            return false;
        }
        for (ptrdiff_t j = 0; j < columns; j++) {
            row[j] /= diagonal;
        }
    }
    return true;
}

/// X = A⁻¹ · B, where b is [n, columns], or the identity when null.
static mw_factorization_status solve(const mw_factorization_call *call, ptrdiff_t matrix, double *a) {
    const ptrdiff_t n = call->n, columns = call->columns;
    double *x = a + n * n;
    double *b = x + n * columns;
    ptrdiff_t *order = (ptrdiff_t *)(b + (call->b == NULL ? 0 : n * columns));
    mw_widen(call->dtype, a, call->a, matrix * n * n, n * n);
    mw_factor_lu(a, n, n, order);
    if (call->b != NULL) {
        mw_widen(call->dtype, b, call->b, matrix * n * columns, n * columns);
        for (ptrdiff_t i = 0; i < n; i++) {
            memcpy(x + i * columns, b + order[i] * columns, (size_t)columns * sizeof(double));
        }
    } else {
        memset(x, 0, (size_t)(n * n) * sizeof(double));
        for (ptrdiff_t i = 0; i < n; i++) {
            x[i * n + order[i]] = 1;
        }
    }
    substitute(a, n, true, true, x, columns);
    if (!substitute(a, n, false, false, x, columns)) {
        return MW_FACTORIZATION_SINGULAR;
    }
    mw_round(call->dtype, call->out[0], matrix * n * columns, x, n * columns);
    return MW_FACTORIZATION_DONE;
}

mw_factorization_outcome mw_solve(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, ptrdiff_t columns, void *x, const void *a, const void *b) {
    const double size = (double)n;
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .n = n,
        .columns = columns,
        .a = a,
        .b = b,
        .out = {x},
        .scratch = n * n + 2 * n * columns + n,
        .work = size * size * (size / 3 + (double)columns),
        .one = solve,
    });
}

mw_factorization_outcome mw_inverse(mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *inverse, const void *a) {
    const double size = (double)n;
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .n = n,
        .columns = n,
        .a = a,
        .out = {inverse},
        .scratch = 2 * n * n + n,
        .work = size * size * size * 4 / 3,
        .one = solve,
    });
}

static mw_factorization_status solve_triangle(const mw_factorization_call *call, ptrdiff_t matrix, double *a) {
    const ptrdiff_t n = call->n, columns = call->columns;
    double *x = a + n * n;
    mw_widen(call->dtype, a, call->a, matrix * n * n, n * n);
    mw_widen(call->dtype, x, call->b, matrix * n * columns, n * columns);
    if (!substitute(a, n, call->flag, call->second_flag, x, columns)) {
        return MW_FACTORIZATION_SINGULAR;
    }
    mw_round(call->dtype, call->out[0], matrix * n * columns, x, n * columns);
    return MW_FACTORIZATION_DONE;
}

mw_factorization_outcome mw_triangular_solve(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, ptrdiff_t columns, bool lower, bool unit_diagonal, void *x,
    const void *a, const void *b) {
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .n = n,
        .columns = columns,
        .flag = lower,
        .second_flag = unit_diagonal,
        .a = a,
        .b = b,
        .out = {x},
        .scratch = n * n + n * columns,
        .work = (double)n * (double)n * (double)columns / 2,
        .one = solve_triangle,
    });
}

static mw_factorization_status determinant(const mw_factorization_call *call, ptrdiff_t matrix, double *a) {
    const ptrdiff_t n = call->n;
    mw_widen(call->dtype, a, call->a, matrix * n * n, n * n);
    const int order = mw_factor_lu(a, n, n, (ptrdiff_t *)(a + n * n));
    // The product as a fraction and an exponent of its own, and the sign and logarithm beside it.
    double fraction = order;
    double sign = order;
    double logarithm = 0;
    int64_t exponent = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const double pivot = a[i * n + i];
        // Apart, so that a product with the smallest pivots loses no digits.
        int step, carry;
        fraction = frexp(fraction * frexp(pivot, &step), &carry);
        exponent += isfinite(fraction) ? step + carry : 0;
        sign *= pivot != pivot ? pivot : (double)((pivot > 0) - (pivot < 0));
        logarithm += log(fabs(pivot));
    }
    if (call->flag) {
        mw_round(call->dtype, call->out[0], matrix, &sign, 1);
        mw_round(call->dtype, call->out[1], matrix, &logarithm, 1);
        return MW_FACTORIZATION_DONE;
    }
    const int bounded = exponent > 5000 ? 5000 : exponent < -5000 ? -5000 : (int)exponent;
    const double product = ldexp(fraction, bounded);
    mw_round(call->dtype, call->out[0], matrix, &product, 1);
    return MW_FACTORIZATION_DONE;
}

static mw_factorization_outcome run_determinant(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *first, void *second, bool logarithm, const void *a) {
    const double size = (double)n;
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .n = n,
        .flag = logarithm,
        .a = a,
        .out = {first, second},
        .scratch = n * n + n,
        .work = size * size * size / 3,
        .one = determinant,
    });
}

mw_factorization_outcome mw_determinant(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *determinant, const void *a) {
    return run_determinant(dtype, batch, n, determinant, NULL, false, a);
}

mw_factorization_outcome mw_sign_and_log_determinant(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *sign, void *logarithm, const void *a) {
    return run_determinant(dtype, batch, n, sign, logarithm, true, a);
}
