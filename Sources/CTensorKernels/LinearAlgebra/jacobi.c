// Singular values by Householder QR with column pivoting and one-sided Jacobi rotations of Rᵀ (Drmač & Veselić, "New
// fast and accurate Jacobi SVD algorithm", SIAM J. Matrix Anal. Appl. 29, 2008): small singular values of a graded
// matrix keep their relative accuracy, which bidiagonalisation loses. All vectors are rows.
#pragma STDC FP_CONTRACT OFF

#include "factorization_batch.h"

#include <float.h>
#include <math.h>

/// Sweeps over all pairs; five to ten are usual.
#define MAXIMUM_SWEEPS 64

/// A vector so much shorter than the longest has no direction that could be seen in the matrix.
#define NO_DIRECTION 0x1p-480

/// A · P = Q · R in place: column k of `a` keeps the k-th reflection below the diagonal of R. `columns[j]` is the column
/// of A that became the j-th.
static void factor_with_pivoting(
    double *a, ptrdiff_t m, ptrdiff_t n, double *taus, ptrdiff_t *columns, double *norms, double *v, double *sums) {
    for (ptrdiff_t j = 0; j < n; j++) {
        columns[j] = j;
    }
    for (ptrdiff_t k = 0; k < n; k++) {
        // Norms are computed anew: updating them loses digits where a column is almost used up.
        memset(norms + k, 0, (size_t)(n - k) * sizeof(double));
        for (ptrdiff_t i = k; i < m; i++) {
            for (ptrdiff_t j = k; j < n; j++) {
                norms[j] += a[i * n + j] * a[i * n + j];
            }
        }
        ptrdiff_t pivot = k;
        for (ptrdiff_t j = k + 1; j < n; j++) {
            pivot = norms[j] > norms[pivot] ? j : pivot;
        }
        if (pivot != k) {
            for (ptrdiff_t i = 0; i < m; i++) {
                const double element = a[i * n + k];
                a[i * n + k] = a[i * n + pivot];
                a[i * n + pivot] = element;
            }
            const ptrdiff_t column = columns[k];
            columns[k] = columns[pivot];
            columns[pivot] = column;
        }
        for (ptrdiff_t i = k; i < m; i++) {
            v[i - k] = a[i * n + k];
        }
        double beta;
        taus[k] = mw_reflector(v, m - k, &beta);
        a[k * n + k] = beta;
        for (ptrdiff_t i = k + 1; i < m; i++) {
            a[i * n + k] = v[i - k];
        }
        memset(sums, 0, (size_t)n * sizeof(double));
        for (ptrdiff_t i = k; i < m; i++) {
            mw_add_multiple(sums + k + 1, v[i - k], a + i * n + k + 1, n - k - 1);
        }
        for (ptrdiff_t i = k; i < m; i++) {
            mw_add_multiple(a + i * n + k + 1, -taus[k] * v[i - k], sums + k + 1, n - k - 1);
        }
    }
}

static void rotate(double c, double s, double *restrict p, double *restrict q, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        const double old = p[i];
        p[i] = c * old - s * q[i];
        q[i] = s * old + c * q[i];
    }
}

static void exchange(double *restrict p, double *restrict q, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        const double old = p[i];
        p[i] = q[i];
        q[i] = old;
    }
}

/// Rotates the rows of x [n, n] until they are orthogonal; `turns` [n, n], or null, takes part.
static bool orthogonalise(double *x, double *turns, ptrdiff_t n) {
    const double tolerance = DBL_EPSILON * sqrt((double)n);
    for (int sweep = 0; sweep < MAXIMUM_SWEEPS; sweep++) {
        bool rotated = false;
        for (ptrdiff_t i = 0; i < n - 1; i++) {
            for (ptrdiff_t j = i + 1; j < n; j++) {
                double *p = x + i * n, *q = x + j * n;
                double alpha = mw_euclidean_norm(p, n), beta = mw_euclidean_norm(q, n);
                const double gamma = mw_dot(p, q, n);
                if (alpha < beta) {
                    // The longer row first: the values come out sorted, and fewer sweeps are needed.
                    exchange(p, q, n);
                    if (turns != NULL) {
                        exchange(turns + i * n, turns + j * n, n);
                    }
                    const double old = alpha;
                    alpha = beta;
                    beta = old;
                }
                if (!(fabs(gamma) > tolerance * alpha * beta) || fabs(gamma) < DBL_MIN) {
                    continue;
                }
                rotated = true;
                const double zeta = (beta - alpha) * (beta + alpha) / (2 * gamma);
                const double t = copysign(1 / (fabs(zeta) + hypot(1, zeta)), zeta);
                const double c = 1 / sqrt(1 + t * t);
                rotate(c, c * t, p, q, n);
                if (turns != NULL) {
                    rotate(c, c * t, turns + i * n, turns + j * n, n);
                }
            }
        }
        if (!rotated) {
            return true;
        }
    }
    return false;
}

/// Replaces each row whose value in `s`, which descends, is at most `least` by a unit vector orthogonal to all others.
static void complete(double *rows, ptrdiff_t n, const double *s, double least, double *shares) {
    memset(shares, 0, (size_t)n * sizeof(double));
    for (ptrdiff_t r = 0; r < n; r++) {
        for (ptrdiff_t j = 0; j < n && s[r] > least; j++) {
            shares[j] += rows[r * n + j] * rows[r * n + j];
        }
    }
    for (ptrdiff_t r = 0; r < n; r++) {
        if (s[r] > least) {
            continue;
        }
        // The axis that the set has the least part of, less that part.
        ptrdiff_t axis = 0;
        for (ptrdiff_t j = 1; j < n; j++) {
            axis = shares[j] < shares[axis] ? j : axis;
        }
        double *row = rows + r * n;
        memset(row, 0, (size_t)n * sizeof(double));
        row[axis] = 1;
        for (int pass = 0; pass < 2; pass++) {
            for (ptrdiff_t other = 0; other < r; other++) {
                mw_add_multiple(row, -mw_dot(row, rows + other * n, n), rows + other * n, n);
            }
        }
        const double length = mw_euclidean_norm(row, n);
        for (ptrdiff_t j = 0; j < n; j++) {
            row[j] /= length;
            shares[j] += row[j] * row[j];
        }
    }
}

mw_factorization_status mw_tall_svd(
    double *a, ptrdiff_t m, ptrdiff_t n, double *s, double *left, ptrdiff_t left_rows, double *right, double *scratch) {
    double *x = scratch, *turns = x + n * n, *taus = turns + n * n, *norms = taus + n, *sums = norms + n;
    double *v = sums + n;
    ptrdiff_t *columns = (ptrdiff_t *)(v + m), *order = columns + n;
    const double largest = mw_largest_magnitude(a, m * n);
    if (!isfinite(largest)) {
        return MW_FACTORIZATION_NOT_CONVERGED;
    }
    const double scale = mw_unit_scale(largest);
    for (ptrdiff_t i = 0; i < m * n; i++) {
        a[i] *= scale;
    }
    factor_with_pivoting(a, m, n, taus, columns, norms, v, sums);
    for (ptrdiff_t i = 0; i < n; i++) {
        for (ptrdiff_t j = 0; j < n; j++) {
            x[i * n + j] = j < i ? 0 : a[i * n + j];
            turns[i * n + j] = i == j;
        }
    }
    if (!orthogonalise(x, left_rows > 0 ? turns : NULL, n)) {
        return MW_FACTORIZATION_NOT_CONVERGED;
    }
    for (ptrdiff_t r = 0; r < n; r++) {
        norms[r] = mw_euclidean_norm(x + r * n, n);
        order[r] = r;
    }
    for (ptrdiff_t r = 0; r < n; r++) {
        ptrdiff_t place = r;
        while (place > 0 && norms[order[place - 1]] < norms[r]) {
            order[place] = order[place - 1];
            place--;
        }
        order[place] = r;
    }
    for (ptrdiff_t r = 0; r < n; r++) {
        s[r] = norms[order[r]];
    }
    const double least = n > 0 ? s[0] * NO_DIRECTION : 0;
    for (ptrdiff_t r = 0; r < n && left_rows > 0; r++) {
        const double *row = x + order[r] * n;
        for (ptrdiff_t j = 0; j < n && s[r] > least; j++) {
            right[r * n + columns[j]] = row[j] / s[r];
        }
    }
    if (left_rows > 0) {
        complete(right, n, s, least, sums);
        memset(left, 0, (size_t)(left_rows * m) * sizeof(double));
        for (ptrdiff_t r = 0; r < left_rows; r++) {
            if (r < n) {
                memcpy(left + r * m, turns + order[r] * n, (size_t)n * sizeof(double));
            } else {
                left[r * m + r] = 1;
            }
        }
        for (ptrdiff_t k = n - 1; k >= 0; k--) {
            v[0] = 1;
            for (ptrdiff_t i = k + 1; i < m; i++) {
                v[i - k] = a[i * n + k];
            }
            for (ptrdiff_t r = 0; r < left_rows; r++) {
                double *row = left + r * m + k;
                mw_add_multiple(row, -taus[k] * mw_dot(row, v, m - k), v, m - k);
            }
        }
    }
    for (ptrdiff_t r = 0; r < n; r++) {
        s[r] /= scale;
    }
    return MW_FACTORIZATION_DONE;
}
