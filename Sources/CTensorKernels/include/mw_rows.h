// Kernels along rows of contiguous elements: softmax and what is made of it.
#ifndef MESHWORK_ROWS_H
#define MESHWORK_ROWS_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// Kernels that combine the elements of each row.
typedef struct mw_row_kernels {
    /// Softmax of each of `rows` rows of `columns` contiguous elements, `a_row_stride` apart; `out` is contiguous.
    /// Shifted by the row's maximum. A row of only -inf gives NaN. `out` may be `a` if a's rows are contiguous.
    void (*softmax_f32)(
        ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a, ptrdiff_t a_row_stride);

    /// Logarithm of softmax; as `softmax_f32` otherwise.
    void (*log_softmax_f32)(
        ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a, ptrdiff_t a_row_stride);

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
    apply(rows, softmax_f32, path) \
    apply(rows, log_softmax_f32, path) \
    apply(rows, cross_entropy_f32, path) \
    apply(rows, cross_entropy_gradient_f32, path)

#pragma clang assume_nonnull end

#endif
