// What the factorisations share: a batch run over the compute pool, matrices widened to f64 and rounded back, and sums
// of products.
#ifndef MESHWORK_FACTORIZATION_BATCH_H
#define MESHWORK_FACTORIZATION_BATCH_H

#include "../include/mw_factorization.h"

#include <stdlib.h>
#include <string.h>

/// A call's arguments, as its function for one matrix sees them.
typedef struct mw_factorization_call {
    mw_dtype dtype;
    ptrdiff_t batch, m, n, columns;
    bool flag, second_flag;
    int kind;
    double tolerance;
    const void *a;
    const void *b;
    void *out[3];
    /// Elements of f64 that one matrix needs beside its operands.
    ptrdiff_t scratch;
    /// About how many multiply-adds one matrix takes.
    double work;
    mw_factorization_status (*one)(const struct mw_factorization_call *call, ptrdiff_t matrix, double *scratch);
} mw_factorization_call;

/// Runs `call->one` for each matrix of the batch.
mw_factorization_outcome mw_factorization_run(const mw_factorization_call *call)
    __attribute__((visibility("hidden")));

/// Widens `count` elements from the `offset`-th of an operand.
static inline void mw_widen(mw_dtype dtype, double *out, const void *a, ptrdiff_t offset, ptrdiff_t count) {
    if (dtype == MW_DTYPE_F64) {
        memcpy(out, (const double *)a + offset, (size_t)count * sizeof(double));
        return;
    }
    const float *source = (const float *)a + offset;
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = source[i];
    }
}

/// Rounds `count` elements into a result, from its `offset`-th.
static inline void mw_round(mw_dtype dtype, void *out, ptrdiff_t offset, const double *a, ptrdiff_t count) {
    if (dtype == MW_DTYPE_F64) {
        memcpy((double *)out + offset, a, (size_t)count * sizeof(double));
        return;
    }
    float *target = (float *)out + offset;
    for (ptrdiff_t i = 0; i < count; i++) {
        target[i] = (float)a[i];
    }
}

/// The sum of products, in eight interleaved sums so that it vectorises without changing with the instruction set.
static inline double mw_dot(const double *a, const double *b, ptrdiff_t count) {
    double sums[8] = {0};
    ptrdiff_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (int lane = 0; lane < 8; lane++) {
            sums[lane] += a[i + lane] * b[i + lane];
        }
    }
    for (int lane = 0; i < count; i++, lane++) {
        sums[lane] += a[i] * b[i];
    }
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

/// y += factor · x.
static inline void mw_add_multiple(double *restrict y, double factor, const double *restrict x, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        y[i] += factor * x[i];
    }
}

/// The largest absolute value, or NaN where one is NaN.
double mw_largest_magnitude(const double *a, ptrdiff_t count) __attribute__((visibility("hidden")));

/// The Euclidean norm, without overflow or underflow on the way.
double mw_euclidean_norm(const double *a, ptrdiff_t count) __attribute__((visibility("hidden")));

/// The power of two by which a largest magnitude becomes one in 0.5..<1; 1 of 0.
double mw_unit_scale(double magnitude) __attribute__((visibility("hidden")));

/// Makes the reflection H = I − tau · v · vᵀ with H · x = (beta, 0, …): x becomes v, whose first element is 1. Returns
/// tau, 0 where x has that form already (H = I).
double mw_reflector(double *x, ptrdiff_t count, double *beta) __attribute__((visibility("hidden")));

/// PA = LU in place by partial pivoting: a is [m, n]; `order` [m] receives the rows of A. Returns the permutation's
/// sign.
int mw_factor_lu(double *a, ptrdiff_t m, ptrdiff_t n, ptrdiff_t *order) __attribute__((visibility("hidden")));

/// A = U · diag(s) · Vᵀ of a matrix [m, n], m ≥ n, whose elements are finite; a is overwritten. `left` receives the
/// left vectors as `left_rows` rows of length m (n or m of them, or 0: none), `right` the right ones as n rows of
/// length n (not where there are no left ones). `scratch` has room for mw_tall_svd_scratch(m, n).
mw_factorization_status mw_tall_svd(
    double *a, ptrdiff_t m, ptrdiff_t n, double *s, double *left, ptrdiff_t left_rows, double *right, double *scratch)
    __attribute__((visibility("hidden")));

/// Elements that mw_tall_svd needs.
static inline ptrdiff_t mw_tall_svd_scratch(ptrdiff_t m, ptrdiff_t n) { return m + 2 * n * n + 6 * n; }

#endif
