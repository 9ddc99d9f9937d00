#pragma STDC FP_CONTRACT OFF

#include "../include/mw_indexing.h"

/// A block answers yes or no in a loop without branches; only a block that says yes is searched for the place.
#define MW_NORMALIZE(name, INDEX)                                                                                     \
    static ptrdiff_t name(                                                                                             \
        ptrdiff_t count, const INDEX *indices, ptrdiff_t bound, bool from_the_back, int64_t *out) {                    \
        enum { block_size = 2048 };                                                                                    \
        const int64_t lowest = from_the_back ? -(int64_t)bound : 0;                                                    \
        for (ptrdiff_t begin = 0; begin < count; begin += block_size) {                                                \
            const ptrdiff_t end = count - begin < block_size ? count : begin + block_size;                             \
            int64_t is_outside = 0;                                                                                    \
            for (ptrdiff_t i = begin; i < end; i++) {                                                                  \
                const int64_t index = indices[i];                                                                      \
                is_outside |= (int64_t)((index < lowest) | (index >= bound));                                          \
                out[i] = index < 0 ? index + bound : index;                                                            \
            }                                                                                                          \
            for (ptrdiff_t i = begin; is_outside && i < end; i++) {                                                    \
                if (indices[i] < lowest || indices[i] >= bound) {                                                      \
                    return i;                                                                                          \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return -1;                                                                                                     \
    }

MW_NORMALIZE(normalize_32, int32_t)
MW_NORMALIZE(normalize_64, int64_t)

ptrdiff_t mw_normalize_indices(
    mw_dtype dtype, ptrdiff_t count, const void *indices, ptrdiff_t bound, bool from_the_back, int64_t *out) {
    return dtype == MW_DTYPE_I32 ? normalize_32(count, indices, bound, from_the_back, out)
                                 : normalize_64(count, indices, bound, from_the_back, out);
}

ptrdiff_t mw_first_index_out_of_range(const int32_t *indices, ptrdiff_t count, ptrdiff_t bound) {
    for (ptrdiff_t i = 0; i < count; i++) {
        if (indices[i] < 0 || indices[i] >= bound) {
            return i;
        }
    }
    return -1;
}

ptrdiff_t mw_count_true(ptrdiff_t count, const uint8_t *mask) {
    ptrdiff_t total = 0;
    for (ptrdiff_t begin = 0; begin < count; begin += 255) {
        // At most 255 ones fit into a byte, which keeps the loop as wide as its elements.
        const ptrdiff_t end = count - begin < 255 ? count : begin + 255;
        uint8_t sum = 0;
        for (ptrdiff_t i = begin; i < end; i++) {
            sum = (uint8_t)(sum + mask[i]);
        }
        total += sum;
    }
    return total;
}

void mw_true_positions(ptrdiff_t count, const uint8_t *mask, ptrdiff_t true_count, int64_t *out) {
    ptrdiff_t found = 0;
    for (ptrdiff_t i = 0; i < count && found < true_count; i++) {
        // Written always and kept only where it counts: no branch that a random mask would mislead.
        out[found] = i;
        found += mask[i];
    }
}
