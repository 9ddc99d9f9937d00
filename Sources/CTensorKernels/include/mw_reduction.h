// Reductions over axes.
#ifndef MESHWORK_REDUCTION_H
#define MESHWORK_REDUCTION_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// Reductions. Elements of 16-bit floats are widened to f32 and the result is rounded once.
typedef enum mw_reduction {
    MW_REDUCE_SUM,           ///< of no elements: 0; integers wrap around
    MW_REDUCE_MAXIMUM,       ///< NaN if any element is NaN; of no elements: -inf, and nothing for integers
    MW_REDUCE_MINIMUM,       ///< NaN if any element is NaN; of no elements: +inf, and nothing for integers
    MW_REDUCE_PRODUCT,       ///< of no elements: 1; integers wrap around
    MW_REDUCE_ANY,           ///< whether an element is not 0 (NaN is not), as bool; of no elements: false
    MW_REDUCE_ALL,           ///< whether no element is 0, as bool; of no elements: true
    MW_REDUCE_COUNT,         ///< how many elements are not 0, as i64
    MW_REDUCE_MEAN,          ///< Σ x / n; of no elements: NaN
    MW_REDUCE_VARIANCE,      ///< Σ (x - mean)² / max(n - parameter, 0), in two passes
    MW_REDUCE_DEVIATION,     ///< the variance's square root
    MW_REDUCE_LOG_SUM_EXP,   ///< log Σ exp(x), shifted by the largest element; of no elements, or of -inf only: -inf
    MW_REDUCE_NORM,          ///< (Σ |x|^p)^(1/p) for p the parameter; +inf, -inf and 0 as in NumPy
} mw_reduction;

/// Kernels that combine the elements along axes.
///
/// All of them share large reductions over the compute pool, in pieces whose borders depend on the shape alone.
typedef struct mw_reduction_kernels {
    /// Reduces the axes whose bit is set in `axes` (bit 0 is axis 0; at least the bits of `rank` axes count).
    /// `shape` and `strides` are those of `a`, whose elements are of type `from`; `out`, of type `to`, is contiguous
    /// over the axes that remain, in their order, and is not `a`.
    ///
    /// Floats combine along one fixed tree over the reduced elements in logical row-major order (blocks of 256 elements
    /// in 16 lanes, blocks combined pairwise): the bits depend on the values and their logical order only, not on
    /// strides, instruction set or threads, and the error of a sum grows with log n.
    ///
    /// `to` is `from`, but for the results whose type is named above, and for sums and products of integers and bools,
    /// which any integer type takes. Mean, variance, deviation, log-sum-exp and norm are those of floats.
    void (*reduce)(
        mw_reduction reduction, mw_dtype to, mw_dtype from, double parameter, ptrdiff_t rank, const ptrdiff_t *shape,
        void *out, const void *a, const ptrdiff_t *strides, uint32_t axes);

    /// The index along `axis` of the first maximum (or minimum), as i32, contiguous over the remaining axes. The first
    /// NaN counts as the extreme (as in NumPy). `shape[axis]` is 1...INT32_MAX.
    void (*argument_of_extreme)(
        bool of_minimum, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const void *a,
        const ptrdiff_t *strides, ptrdiff_t axis);
} mw_reduction_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_REDUCTION_KERNEL(apply, path) \
    apply(reduction, reduce, path) \
    apply(reduction, argument_of_extreme, path)

#pragma clang assume_nonnull end

#endif
