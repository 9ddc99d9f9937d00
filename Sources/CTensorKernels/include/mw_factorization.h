// Factorisations of matrices, and what is computed with them. These have one portable form.
//
// Every function takes a batch of row-major matrices without gaps, of f32 or f64, and computes in f64 whatever the
// type: an f32 result is that of f64 arithmetic, rounded once. Matrices of a batch are shared out over the compute pool
// in groups that depend on the shapes alone, and each is computed by one thread.
#ifndef MESHWORK_FACTORIZATION_H
#define MESHWORK_FACTORIZATION_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// How a factorisation ended.
typedef enum mw_factorization_status {
    MW_FACTORIZATION_DONE = 0,
    MW_FACTORIZATION_SINGULAR = 1,               ///< a pivot is exactly 0
    MW_FACTORIZATION_NOT_POSITIVE_DEFINITE = 2,  ///< a pivot is not greater than 0
    MW_FACTORIZATION_NOT_CONVERGED = 3,          ///< too many iterations, or an element that is not finite
    MW_FACTORIZATION_NO_MEMORY = 4,
} mw_factorization_status;

/// How a batch ended: the status of the first matrix that failed, and which one it is.
typedef struct mw_factorization_outcome {
    mw_factorization_status status;
    ptrdiff_t matrix;
} mw_factorization_outcome;

/// A = L · Lᵀ with L lower triangular: `a` and `l` are [batch, n, n]. Only the lower triangle of A is read; what lies
/// above the diagonal of L is 0.
mw_factorization_outcome mw_cholesky(mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *l, const void *a);

/// Rows of A in the order `permutation` = L · U, pivoting on the largest element of a column: A is [batch, m, n], L is
/// [batch, m, min(m, n)] with ones on its diagonal, U is [batch, min(m, n), n]; `permutation` [batch, m] holds row
/// numbers in the matrices' own type. A pivot of 0 leaves its column as it is and is no failure.
mw_factorization_outcome mw_lu(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, void *l, void *u, void *permutation, const void *a);

/// X with A · X = B: A is [batch, n, n], B and X are [batch, n, columns].
mw_factorization_outcome mw_solve(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, ptrdiff_t columns, void *x, const void *a, const void *b);

/// X with T · X = B, where T is the lower or the upper triangle of A, with ones on its diagonal where `unit_diagonal`.
mw_factorization_outcome mw_triangular_solve(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, ptrdiff_t columns, bool lower, bool unit_diagonal, void *x,
    const void *a, const void *b);

/// A⁻¹: both [batch, n, n].
mw_factorization_outcome mw_inverse(mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *inverse, const void *a);

/// The determinant of each matrix: [batch, n, n] to [batch]. Does not overflow on the way to a result that does not.
mw_factorization_outcome mw_determinant(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *determinant, const void *a);

/// The sign of the determinant (−1, 0 or 1; NaN of a NaN) and the logarithm of its absolute value (−inf of 0).
mw_factorization_outcome mw_sign_and_log_determinant(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *sign, void *logarithm, const void *a);

/// A = Q · R by Householder reflections, R upper triangular: A is [batch, m, n]; Q is [batch, m, k] and R [batch, k, n]
/// with k = min(m, n), or k = m where `complete`.
mw_factorization_outcome mw_qr(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, bool complete, void *q, void *r, const void *a);

/// A = V · diag(w) · Vᵀ for the symmetric matrix whose lower triangle is A's: w [batch, n] in ascending order, and the
/// eigenvectors as columns of V [batch, n, n], which may be null.
mw_factorization_outcome mw_symmetric_eigen(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *w, void *_Nullable v, const void *a);

/// A = U · diag(s) · Vᵀ, s in descending order: A is [batch, m, n], s is [batch, k] with k = min(m, n), U is [batch, m,
/// k] and Vᵀ [batch, k, n], or [batch, m, m] and [batch, n, n] where `complete`. U and Vᵀ may be null, both or neither.
mw_factorization_outcome mw_singular_values(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, bool complete, void *_Nullable u, void *s,
    void *_Nullable vt, const void *a);

/// The Moore–Penrose inverse [batch, n, m] of A [batch, m, n]; singular values of at most `tolerance` times the largest
/// count as 0.
mw_factorization_outcome mw_pseudo_inverse(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, double tolerance, void *inverse, const void *a);

/// The X [batch, n, columns] of least Frobenius norm among those that minimise that of A · X − B: A is [batch, m, n], B
/// is [batch, m, columns]; `tolerance` as for the pseudo-inverse.
mw_factorization_outcome mw_least_squares(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, ptrdiff_t columns, double tolerance, void *x,
    const void *a, const void *b);

/// How many singular values are greater than `tolerance` times the largest: [batch, m, n] to [batch].
mw_factorization_outcome mw_matrix_rank(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, double tolerance, int64_t *rank, const void *a);

/// A norm of a matrix.
typedef enum mw_matrix_norm_kind {
    MW_NORM_FROBENIUS = 0,
    MW_NORM_NUCLEAR = 1,         ///< the sum of the singular values
    MW_NORM_ONE = 2,             ///< the largest sum of absolute values of a column
    MW_NORM_INFINITY = 3,        ///< the largest sum of absolute values of a row
    MW_NORM_SPECTRAL = 4,        ///< the largest singular value
    MW_NORM_CONDITION = 5,       ///< the largest singular value over the smallest; inf where that is 0
    MW_NORM_MINUS_ONE = 6,       ///< the smallest sum of absolute values of a column
    MW_NORM_MINUS_INFINITY = 7,  ///< the smallest sum of absolute values of a row
    MW_NORM_MINUS_TWO = 8,       ///< the smallest singular value
    MW_NORM_MINUS_CONDITION = 9, ///< the smallest singular value over the largest; inf where that is 0
} mw_matrix_norm_kind;

/// A norm of each matrix: [batch, m, n] to [batch].
mw_factorization_outcome mw_matrix_norm(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t n, mw_matrix_norm_kind kind, void *norm, const void *a);

#pragma clang assume_nonnull end

#endif
