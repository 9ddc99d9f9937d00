// Kernels along rows of contiguous elements: softmax, cross-entropy, and the normalisations.
#ifndef MESHWORK_ROWS_H
#define MESHWORK_ROWS_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// How rows are normalised.
typedef enum mw_normalization {
    MW_NORMALIZE_MOMENTS,      ///< (x - mean) / √(variance + ε), with the variance of all elements (divided by n)
    MW_NORMALIZE_ROOT_SQUARE,  ///< x / √(mean of x² + ε)
} mw_normalization;

/// Rows to normalise: `rows` of them, each of `channels` · `width` contiguous elements, `a_row_stride` apart; `out` is
/// contiguous. Channel c of row r has the weight and bias (r modulo `groups`) · `channels` + c: for layer norm, `groups`
/// is 1 and `width` is 1; for group norm over [n, groups · channels, width] both are as there.
typedef struct mw_rows_to_normalize {
    ptrdiff_t rows, groups, channels, width;
    ptrdiff_t a_row_stride;
    /// ε, which is at least 0.
    double epsilon;
} mw_rows_to_normalize;

/// Kernels that combine the elements of each row. Many rows are shared over the compute pool.
///
/// Every one gives the same bits on every path. 16-bit floats are computed in f32 and rounded once; f64 is computed in
/// f64. Those that take other types than f32 return false when there is no memory for a widened row, and true otherwise.
typedef struct mw_row_kernels {
    /// Softmax of each of `rows` rows of `columns` contiguous elements of a float type, `a_row_stride` apart; `out` is
    /// contiguous. Shifted by the row's maximum. A row of only -inf, or with a NaN or +inf, gives NaN. `out` may be `a`
    /// if a's rows are contiguous.
    ///
    /// f32: a relative error of at most 2^-24 · (12 + |x - maximum|), and 0 where the exponential is below 2^-126.
    bool (*softmax)(
        mw_dtype dtype, ptrdiff_t rows, ptrdiff_t columns, void *out, const void *a, ptrdiff_t a_row_stride);

    /// Logarithm of softmax; as `softmax` otherwise. f32: within 2^-22 · (1 + |result|) of the exact result.
    bool (*log_softmax)(
        mw_dtype dtype, ptrdiff_t rows, ptrdiff_t columns, void *out, const void *a, ptrdiff_t a_row_stride);

    /// Normalises rows of a float type; `weight` and `bias` are of the same type and contiguous, or null. `out` may be
    /// `a` if a's rows are contiguous.
    ///
    /// f32, for rows whose mean is not large beside their deviation: within 2^-20 of (1 + |result|).
    bool (*normalize)(
        mw_normalization normalization, mw_dtype dtype, const mw_rows_to_normalize *shape, void *out, const void *a,
        const void *_Nullable weight, const void *_Nullable bias);

    /// losses[r] = log Σ_j exp(logits[r, j]) - logits[r, labels[r]], for rows of `classes` contiguous elements.
    /// Every label lies in 0..<classes (see `mw_first_index_out_of_range`).
    void (*cross_entropy_f32)(
        ptrdiff_t rows, ptrdiff_t classes, float *losses, const float *logits, ptrdiff_t logits_row_stride,
        const int32_t *labels);

    /// out[r, j] = upstream[r * upstream_stride] * (softmax(logits[r])[j] - (j == labels[r])).
    /// `upstream_stride` 0 broadcasts one value. `out` is contiguous and may be `logits` if its rows are contiguous.
    void (*cross_entropy_gradient_f32)(
        ptrdiff_t rows, ptrdiff_t classes, float *out, const float *logits, ptrdiff_t logits_row_stride,
        const int32_t *labels, const float *upstream, ptrdiff_t upstream_stride);
} mw_row_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_ROW_KERNEL(apply, path) \
    apply(rows, softmax, path) \
    apply(rows, log_softmax, path) \
    apply(rows, normalize, path) \
    apply(rows, cross_entropy_f32, path) \
    apply(rows, cross_entropy_gradient_f32, path)

#pragma clang assume_nonnull end

#endif
