// Reductions over axes.
#ifndef MESHWORK_REDUCTION_H
#define MESHWORK_REDUCTION_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// Reductions.
typedef enum mw_reduction {
    MW_REDUCE_SUM,      ///< of no elements: 0
    MW_REDUCE_MAXIMUM,  ///< NaN if any element is NaN; of no elements: -inf, INT32_MIN for i32
} mw_reduction;

/// Kernels that combine the elements along axes.
typedef struct mw_reduction_kernels {
    /// Reduces the axes whose bit is set in `axes` (bit 0 is axis 0; at least the bits of `rank` axes count).
    /// `shape` and `strides` are those of `a`; `out` is contiguous over the axes that remain, in their order, and
    /// is not `a`.
    ///
    /// Sums follow one fixed tree over the reduced elements in logical row-major order (blocks of 256 elements in 16
    /// lanes, blocks combined pairwise): the bits depend on the values and their logical order only, not on
    /// strides, instruction set or threads, and the error grows with log n.
    void (*reduce_f32)(
        mw_reduction reduction, ptrdiff_t rank, const ptrdiff_t *shape, float *out, const float *a,
        const ptrdiff_t *strides, uint32_t axes);

    /// As `reduce_f32`; sums wrap around.
    void (*reduce_i32)(
        mw_reduction reduction, ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const int32_t *a,
        const ptrdiff_t *strides, uint32_t axes);

    /// The index along `axis` of the first maximum, as i32, contiguous over the remaining axes. The first NaN
    /// counts as the maximum (as in NumPy). `shape[axis]` is 1...INT32_MAX.
    void (*argmax_f32)(
        ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const float *a, const ptrdiff_t *strides,
        ptrdiff_t axis);
} mw_reduction_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_REDUCTION_KERNEL(apply, path) \
    apply(reduction, reduce_f32, path) \
    apply(reduction, reduce_i32, path) \
    apply(reduction, argmax_f32, path)

#pragma clang assume_nonnull end

#endif
