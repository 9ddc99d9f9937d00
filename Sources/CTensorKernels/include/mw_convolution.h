// Convolutions of one to three spatial axes.
#ifndef MESHWORK_CONVOLUTION_H
#define MESHWORK_CONVOLUTION_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// One spatial axis. Result element o takes, through tap t of the kernel, the input element
///
///     (o · multiply + offset + t · tap_step) / divisor
///
/// where that is a whole number inside the input, and 0 elsewhere. A convolution of stride s, dilation d and padding p
/// has multiply s, offset -p, tap_step d and divisor 1; the transposed one has multiply 1, offset p, tap_step -d and
/// divisor s.
typedef struct mw_convolution_axis {
    ptrdiff_t in, out, kernel;
    ptrdiff_t multiply, offset, tap_step, divisor;
} mw_convolution_axis;

/// A convolution; what lacks an axis has one of length 1 and a kernel of 1 there.
typedef struct mw_convolution {
    ptrdiff_t batch, groups;
    /// Of one group.
    ptrdiff_t in_channels, out_channels;
    /// Depth, height, width.
    mw_convolution_axis axes[3];
    /// Strides of the input's batch, channel, depth, height and width.
    ptrdiff_t in_strides[5];
    /// Strides of the weights' group, output channel, input channel, depth, height and width.
    ptrdiff_t weight_strides[6];
    /// Whether the result, which is contiguous, is [batch, …, channels] or else [batch, channels, …].
    bool is_channels_last;
} mw_convolution;

/// Convolutions. Both share their work over the compute pool, with results that do not depend on the threads, and return
/// false when there is no memory for their working space: the packed weights, and for each thread a few padded rows of
/// the input.
typedef struct mw_convolution_kernels {
    /// The convolution of `a` with `weights`, of a float type. 16-bit floats are computed in f32.
    bool (*convolution)(
        mw_dtype dtype, const mw_convolution *convolution, void *out, const void *a, const void *weights);

    /// The sum over the batch and over places of what each weight was multiplied with, times `upstream`, a cotangent of
    /// the result of `convolution` (divisor 1) that is contiguous with channels last. f32; `a` has strides as there,
    /// and `out` those of the weights, all of which are written.
    bool (*convolution_weight_gradient_f32)(
        const mw_convolution *convolution, float *out, const float *a, const float *upstream);
} mw_convolution_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_CONVOLUTION_KERNEL(apply, path) \
    apply(convolution, convolution, path) \
    apply(convolution, convolution_weight_gradient_f32, path)

#pragma clang assume_nonnull end

#endif
