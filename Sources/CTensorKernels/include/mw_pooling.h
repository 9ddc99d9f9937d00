// Pooling over windows of one to three spatial axes.
#ifndef MESHWORK_POOLING_H
#define MESHWORK_POOLING_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// What becomes of a window's elements. Padding takes no part.
typedef enum mw_pooling_operation {
    MW_POOL_MAXIMUM,           ///< NaN if an element is NaN
    MW_POOL_AVERAGE,           ///< the sum divided by the number of elements inside the input
    MW_POOL_PADDED_AVERAGE,    ///< the sum divided by the number of elements inside the padded input
} mw_pooling_operation;

/// One spatial axis: window o has the elements o · stride - padding + t · dilation for t in 0..<kernel, as far as they
/// lie in 0..<in; at least one does. Padded, the input ends before in + padding_after, which a last window may reach over.
typedef struct mw_pooling_axis {
    ptrdiff_t in, out, kernel, stride, padding, padding_after, dilation;
} mw_pooling_axis;

/// What lacks an axis has one of length 1 and a kernel of 1 there.
typedef struct mw_pooling {
    ptrdiff_t batch, channels;
    /// Depth, height, width.
    mw_pooling_axis axes[3];
    /// Strides of the input's batch, channel, depth, height and width.
    ptrdiff_t in_strides[5];
    /// Whether the result, which is contiguous, is [batch, …, channels] or else [batch, channels, …].
    bool is_channels_last;
} mw_pooling;

/// Windows of float types, and maxima of integers too; 16-bit floats are computed in f32 and rounded once. Shared over the
/// compute pool, with the same bits on every path.
typedef struct mw_pooling_kernels {
    void (*pool)(
        mw_pooling_operation operation, mw_dtype dtype, const mw_pooling *pooling, void *out, const void *a);

    /// Where each window's maximum lies, (depth · height + row) · width + column in its image and channel: the first of
    /// equal ones, and the first NaN if there is one. The input has fewer than 2^31 places.
    void (*pool_indices)(mw_dtype dtype, const mw_pooling *pooling, int32_t *out, const void *a);
} mw_pooling_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_POOLING_KERNEL(apply, path) \
    apply(pooling, pool, path) \
    apply(pooling, pool_indices, path)

#pragma clang assume_nonnull end

#endif
