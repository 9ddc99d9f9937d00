// Eigenvalues of symmetric matrices: Householder reduction to a tridiagonal matrix, then implicit QL with Wilkinson's
// shift (Golub & Van Loan, "Matrix Computations", 4th ed., sections 8.3.1 and 8.3.3). Vectors are kept as rows, so that
// a rotation runs over two contiguous ones.
#pragma STDC FP_CONTRACT OFF

#include "factorization_batch.h"

#include <float.h>
#include <math.h>

/// Iterations for one eigenvalue; two or three are usual.
#define MAXIMUM_ITERATIONS 60

/// A = Q · T · Qᵀ: `diagonal` and `off_diagonal` are T's, row k of a keeps the k-th reflection from column k + 1 on.
static void reduce(double *a, ptrdiff_t n, double *diagonal, double *off_diagonal, double *taus, double *w) {
    for (ptrdiff_t k = 0; k < n; k++) {
        diagonal[k] = a[k * n + k];
        if (k == n - 1) {
            off_diagonal[k] = 0;
            break;
        }
        const ptrdiff_t rest = n - k - 1;
        double *v = a + k * n + k + 1;
        double *block = a + (k + 1) * n + k + 1;
        taus[k] = mw_reflector(v, rest, &off_diagonal[k]);
        if (taus[k] == 0) {
            continue;
        }
        for (ptrdiff_t i = 0; i < rest; i++) {
            w[i] = taus[k] * mw_dot(block + i * n, v, rest);
        }
        mw_add_multiple(w, -0.5 * taus[k] * mw_dot(w, v, rest), v, rest);
        for (ptrdiff_t i = 0; i < rest; i++) {
            double *row = block + i * n;
            const double vi = v[i], wi = w[i];
            for (ptrdiff_t j = 0; j < rest; j++) {
                row[j] -= vi * w[j] + wi * v[j];
            }
        }
    }
}

/// Writes Qᵀ of the reflections that `reduce` left in a.
static void accumulate(const double *a, ptrdiff_t n, const double *taus, double *rows) {
    memset(rows, 0, (size_t)(n * n) * sizeof(double));
    for (ptrdiff_t i = 0; i < n; i++) {
        rows[i * n + i] = 1;
    }
    for (ptrdiff_t k = n - 2; k >= 0; k--) {
        const ptrdiff_t rest = n - k - 1;
        const double *v = a + k * n + k + 1;
        for (ptrdiff_t i = k + 1; i < n && taus[k] != 0; i++) {
            double *row = rows + i * n + k + 1;
            mw_add_multiple(row, -taus[k] * mw_dot(row, v, rest), v, rest);
        }
    }
}

/// Diagonalises T; `rows` (n rows of n, or null) are rotated along.
static bool diagonalise(ptrdiff_t n, double *d, double *e, double *rows) {
    for (ptrdiff_t l = 0; l < n; l++) {
        for (int iteration = 0;; iteration++) {
            ptrdiff_t m = l;
            while (m < n - 1 && fabs(e[m]) > DBL_EPSILON / 2 * (fabs(d[m]) + fabs(d[m + 1])) &&
                   fabs(e[m]) >= DBL_MIN) {
                m++;
            }
            if (m == l) {
                break;
            }
            if (iteration == MAXIMUM_ITERATIONS) {
                return false;
            }
            double g = (d[l + 1] - d[l]) / (2 * e[l]);
            double r = hypot(g, 1);
            g = d[m] - d[l] + e[l] / (g + copysign(r, g));
            double s = 1, c = 1, p = 0;
            ptrdiff_t i = m - 1;
            for (; i >= l; i--) {
                const double f = s * e[i];
                const double b = c * e[i];
                r = hypot(f, g);
                e[i + 1] = r;
                if (r == 0) {
                    d[i + 1] -= p;
                    e[m] = 0;
                    break;
                }
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                const double t = (d[i] - g) * s + 2 * c * b;
                p = s * t;
                d[i + 1] = g + p;
                g = c * t - b;
                if (rows != NULL) {
                    double *restrict lower = rows + i * n;
                    double *restrict upper = rows + (i + 1) * n;
                    for (ptrdiff_t k = 0; k < n; k++) {
                        const double high = upper[k];
                        upper[k] = s * lower[k] + c * high;
                        lower[k] = c * lower[k] - s * high;
                    }
                }
            }
            if (r == 0 && i >= l) {
                continue;
            }
            d[l] -= p;
            e[l] = g;
            e[m] = 0;
        }
    }
    return true;
}

static mw_factorization_status factor(const mw_factorization_call *call, ptrdiff_t matrix, double *a) {
    const ptrdiff_t n = call->n;
    double *diagonal = a + n * n, *off_diagonal = diagonal + n, *taus = off_diagonal + n, *w = taus + n;
    double *rows = call->out[1] == NULL ? NULL : w + n;
    mw_widen(call->dtype, a, call->a, matrix * n * n, n * n);
    for (ptrdiff_t i = 0; i < n; i++) {
        for (ptrdiff_t j = i + 1; j < n; j++) {
            a[i * n + j] = a[j * n + i];
        }
    }
    const double largest = mw_largest_magnitude(a, n * n);
    if (!isfinite(largest)) {
        return MW_FACTORIZATION_NOT_CONVERGED;
    }
    const double scale = mw_unit_scale(largest);
    for (ptrdiff_t i = 0; i < n * n; i++) {
        a[i] *= scale;
    }
    reduce(a, n, diagonal, off_diagonal, taus, w);
    if (rows != NULL) {
        accumulate(a, n, taus, rows);
    }
    if (!diagonalise(n, diagonal, off_diagonal, rows)) {
        return MW_FACTORIZATION_NOT_CONVERGED;
    }
    // Selection sort, which moves each row once.
    for (ptrdiff_t i = 0; i < n; i++) {
        ptrdiff_t least = i;
        for (ptrdiff_t j = i + 1; j < n; j++) {
            least = diagonal[j] < diagonal[least] ? j : least;
        }
        const double value = diagonal[least];
        diagonal[least] = diagonal[i];
        diagonal[i] = value / scale;
        for (ptrdiff_t k = 0; k < n && rows != NULL && least != i; k++) {
            const double element = rows[i * n + k];
            rows[i * n + k] = rows[least * n + k];
            rows[least * n + k] = element;
        }
    }
    mw_round(call->dtype, call->out[0], matrix * n, diagonal, n);
    if (rows != NULL) {
        for (ptrdiff_t i = 0; i < n; i++) {
            for (ptrdiff_t j = 0; j < n; j++) {
                a[i * n + j] = rows[j * n + i];
            }
        }
        mw_round(call->dtype, call->out[1], matrix * n * n, a, n * n);
    }
    return MW_FACTORIZATION_DONE;
}

mw_factorization_outcome mw_symmetric_eigen(
    mw_dtype dtype, ptrdiff_t batch, ptrdiff_t n, void *w, void *v, const void *a) {
    const double size = (double)n;
    return mw_factorization_run(&(mw_factorization_call){
        .dtype = dtype,
        .batch = batch,
        .n = n,
        .a = a,
        .out = {w, v},
        .scratch = 2 * n * n + 4 * n,
        .work = size * size * size * (v == NULL ? 2 : 6),
        .one = factor,
    });
}
