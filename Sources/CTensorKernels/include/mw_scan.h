// Looking through values.
#ifndef MESHWORK_SCAN_H
#define MESHWORK_SCAN_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// Kernels that look for something.
typedef struct mw_scan_kernels {
    /// The index of the first NaN or infinity among contiguous elements, or -1; integers and bools have none.
    ptrdiff_t (*first_non_finite)(mw_dtype dtype, const void *values, ptrdiff_t count);
} mw_scan_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_SCAN_KERNEL(apply, path) \
    apply(scan, first_non_finite, path)

#pragma clang assume_nonnull end

#endif
