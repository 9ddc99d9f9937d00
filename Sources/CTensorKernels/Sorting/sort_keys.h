// Keys: integers without a sign that have the order of the elements they stand for.
//
// A float's bits, with all of them turned where the sign is set and the sign alone where it is not, ascend as the
// numbers do. NaN has the largest key of its width whether the order ascends or descends; no number's key is that one.
#ifndef MESHWORK_SORT_KEYS_H
#define MESHWORK_SORT_KEYS_H

#include "../include/mw_types.h"

/// Bits of an element's key: up to 32 are kept in uint32_t, others in uint64_t.
static inline int key_bits(mw_dtype dtype) {
    return 8 * (int)mw_dtype_size(dtype);
}

static inline bool has_wide_keys(mw_dtype dtype) {
    return mw_dtype_size(dtype) == 8;
}

/// The largest key, which of floats is NaN's.
static inline uint64_t largest_key(mw_dtype dtype) {
    return UINT64_MAX >> (64 - key_bits(dtype));
}

static inline bool is_float(mw_dtype dtype) {
    return dtype == MW_DTYPE_F32 || dtype == MW_DTYPE_F64 || dtype == MW_DTYPE_BF16 || dtype == MW_DTYPE_F16;
}

/// The keys of contiguous elements, as uint32_t or uint64_t. `zeros_are_one` gives both zeros one key.
void mw_load_keys(
    mw_dtype dtype, bool descending, bool zeros_are_one, ptrdiff_t count, void *keys, const void *values);

/// The elements that keys stand for.
void mw_store_keys(mw_dtype dtype, bool descending, ptrdiff_t count, void *values, const void *keys);

#endif
