// Looking through values in their order.
#ifndef MESHWORK_SCAN_H
#define MESHWORK_SCAN_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// What is carried from element to element.
typedef enum mw_cumulation {
    MW_CUMULATE_SUM,      ///< integers wrap around
    MW_CUMULATE_PRODUCT,  ///< integers wrap around
    MW_CUMULATE_MAXIMUM,  ///< NaN from the first NaN on
    MW_CUMULATE_MINIMUM,  ///< NaN from the first NaN on
    MW_CUMULATE_LOG_SUM_EXP,  ///< floats only
} mw_cumulation;

/// Kernels that look for something, or carry something along.
typedef struct mw_scan_kernels {
    /// The index of the first NaN or infinity among contiguous elements, or -1; integers and bools have none.
    ptrdiff_t (*first_non_finite)(mw_dtype dtype, const void *values, ptrdiff_t count);

    /// out[o, i, k] = a[o, 0, k] ∘ a[o, 1, k] ∘ … ∘ a[o, i, k], from left to right, for contiguous tensors of
    /// `outer` × `count` × `inner` elements of any type but bool. `out` may be `a`.
    ///
    /// f32 is carried as f64, 16-bit floats as f32, and each element of the result is rounded once.
    void (*cumulate)(
        mw_cumulation cumulation, mw_dtype dtype, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, void *out,
        const void *a);
} mw_scan_kernels;

/// The place on its axis of what `MW_CUMULATE_MAXIMUM`, or with `is_minimum` `MW_CUMULATE_MINIMUM`, gives at each place, for
/// contiguous tensors as those of `cumulate`: of equal elements, as which NaNs count, the last. `count` is at most 2^31.
void mw_cumulative_places(
    bool is_minimum, mw_dtype dtype, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, int32_t *out, const void *a);

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_SCAN_KERNEL(apply, path) \
    apply(scan, first_non_finite, path) \
    apply(scan, cumulate, path)

#pragma clang assume_nonnull end

#endif
