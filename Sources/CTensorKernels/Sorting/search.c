#pragma STDC FP_CONTRACT OFF

#include "../include/mw_allocator.h"
#include "../include/mw_pool.h"
#include "../include/mw_sorting.h"
#include "../Math/half_precision.h"
#include "sort_keys.h"

ptrdiff_t mw_unique(
    mw_dtype dtype, ptrdiff_t count, int32_t *firsts, int64_t *counts, int32_t *inverse, const void *values) {
    if (count == 0) {
        return 0;
    }
    const bool is_wide = has_wide_keys(dtype);
    const size_t keys_size = (size_t)count * (is_wide ? sizeof(uint64_t) : sizeof(uint32_t));
    const size_t bytes = keys_size + (size_t)count * sizeof(int32_t);
    char *room = mw_storage_allocate(bytes);
    if (room == NULL) {
        return -1;
    }
    int32_t *places = (int32_t *)(room + keys_size);
    ptrdiff_t groups = -1;
    if (mw_argsort(dtype, false, 1, count, places, values)) {
        mw_load_keys(dtype, false, true, count, room, values);
        const uint32_t *narrow = (const uint32_t *)room;
        const uint64_t *wide = (const uint64_t *)room;
        groups = 0;
        uint64_t previous = 0;
        for (ptrdiff_t i = 0; i < count; i++) {
            const int32_t place = places[i];
            const uint64_t key = is_wide ? wide[place] : narrow[place];
            if (i == 0 || key != previous) {
                firsts[groups] = place;
                counts[groups] = 0;
                groups++;
                previous = key;
            }
            counts[groups - 1]++;
            inverse[place] = (int32_t)(groups - 1);
        }
    }
    mw_storage_release(room, bytes);
    return groups;
}

typedef struct search_job {
    mw_dtype dtype;
    bool takes_equal;
    ptrdiff_t boundary_count, count;
    const void *boundaries;
    int32_t *out;
    const char *values;
} search_job;

enum { searched_at_once = 1024, searched_in_chunk = 16 * searched_at_once };

/// How many keys come before `key`: a binary search without branches.
#define COUNT_BEFORE(name, KEY)                                                                                       \
    static int32_t name(const KEY *keys, ptrdiff_t count, KEY key, bool takes_equal) {                                 \
        const KEY *base = keys;                                                                                        \
        while (count > 0) {                                                                                            \
            const ptrdiff_t half = count / 2;                                                                          \
            const bool is_before = base[half] < key || (takes_equal && base[half] == key);                             \
            base = is_before ? base + half + 1 : base;                                                                 \
            count = is_before ? count - half - 1 : half;                                                               \
        }                                                                                                              \
        return (int32_t)(base - keys);                                                                                 \
    }

COUNT_BEFORE(count_before_u32, uint32_t)
COUNT_BEFORE(count_before_u64, uint64_t)

static void search_chunk(void *context, ptrdiff_t chunk) {
    const search_job *job = context;
    union {
        uint32_t narrow[searched_at_once];
        uint64_t wide[searched_at_once];
    } keys;
    const ptrdiff_t first = chunk * searched_in_chunk;
    const ptrdiff_t end = job->count - first < searched_in_chunk ? job->count : first + searched_in_chunk;
    for (ptrdiff_t begin = first; begin < end; begin += searched_at_once) {
        const ptrdiff_t count = end - begin < searched_at_once ? end - begin : searched_at_once;
        mw_load_keys(job->dtype, false, true, count, &keys, job->values + begin * mw_dtype_size(job->dtype));
        for (ptrdiff_t i = 0; i < count; i++) {
            job->out[begin + i] =
                has_wide_keys(job->dtype)
                    ? count_before_u64(job->boundaries, job->boundary_count, keys.wide[i], job->takes_equal)
                    : count_before_u32(job->boundaries, job->boundary_count, keys.narrow[i], job->takes_equal);
        }
    }
}

bool mw_search_sorted(
    mw_dtype dtype, bool takes_equal, ptrdiff_t boundary_count, const void *boundaries, ptrdiff_t count, int32_t *out,
    const void *values) {
    const size_t bytes = (size_t)boundary_count * (has_wide_keys(dtype) ? sizeof(uint64_t) : sizeof(uint32_t));
    void *keys = mw_storage_allocate(bytes);
    if (keys == NULL) {
        return false;
    }
    mw_load_keys(dtype, false, true, boundary_count, keys, boundaries);
    search_job job = {
        .dtype = dtype, .takes_equal = takes_equal, .boundary_count = boundary_count, .count = count,
        .boundaries = keys, .out = out, .values = values};
    mw_parallel_for((count + searched_in_chunk - 1) / searched_in_chunk, 0, search_chunk, &job);
    mw_storage_release(keys, bytes);
    return true;
}

#define COUNT_BINS(BITS)                                                                                              \
    for (ptrdiff_t i = 0; i < count; i++) {                                                                            \
        counts[((const BITS *)values)[i]]++;                                                                           \
    }

void mw_count_bins(mw_dtype dtype, ptrdiff_t count, int64_t *counts, const void *values) {
    // None is negative, so that the sign does not matter.
    switch (mw_dtype_size(dtype)) {
    case 1: COUNT_BINS(uint8_t) break;
    case 2: COUNT_BINS(uint16_t) break;
    case 4: COUNT_BINS(uint32_t) break;
    default: COUNT_BINS(uint64_t) break;
    }
}

static double number_at(mw_dtype dtype, const void *values, ptrdiff_t i) {
    switch (dtype) {
    case MW_DTYPE_F32: return (double)((const float *)values)[i];
    case MW_DTYPE_F64: return ((const double *)values)[i];
    case MW_DTYPE_BF16: return (double)mw_f32_of_bf16(((const uint16_t *)values)[i]);
    case MW_DTYPE_F16: return (double)mw_f32_of_f16(((const uint16_t *)values)[i]);
    case MW_DTYPE_I8: return ((const int8_t *)values)[i];
    case MW_DTYPE_I16: return ((const int16_t *)values)[i];
    case MW_DTYPE_I32: return ((const int32_t *)values)[i];
    case MW_DTYPE_I64: return (double)((const int64_t *)values)[i];
    case MW_DTYPE_U16: return ((const uint16_t *)values)[i];
    case MW_DTYPE_U32: return ((const uint32_t *)values)[i];
    case MW_DTYPE_U64: return (double)((const uint64_t *)values)[i];
    case MW_DTYPE_U8:
    case MW_DTYPE_BOOL: break;
    }
    return ((const uint8_t *)values)[i];
}

void mw_histogram(
    mw_dtype dtype, double low, double high, ptrdiff_t bins, ptrdiff_t count, int64_t *counts, const void *values) {
    const double range = high - low;
    const double width = range / (double)bins;
    // Of the narrowest ranges the reciprocal would be infinite: they are widened by a power of two.
    const double scale = range < 0x1p-900 ? 0x1p200 : 1;
    const double bins_of_unit = (double)bins / (range * scale);
    for (ptrdiff_t i = 0; i < count; i++) {
        const double x = number_at(dtype, values, i);
        if (!(x >= low && x <= high)) {
            continue;
        }
        ptrdiff_t bin = (ptrdiff_t)((x - low) * scale * bins_of_unit);
        bin = bin >= bins ? bins - 1 : bin;
        // The quotient may round across an edge.
        if (bin > 0 && x < low + (double)bin * width) {
            bin--;
        } else if (bin + 1 < bins && x >= low + (double)(bin + 1) * width) {
            bin++;
        }
        counts[bin]++;
    }
}
