#pragma STDC FP_CONTRACT OFF

#include "../include/mw_sorting.h"
#include "../Elementwise/conversion_math.h"
#include "../Math/half_precision.h"
#include "radix.h"
#include "row_pieces.h"

#include <math.h>

typedef struct select_job {
    mw_dtype dtype;
    ptrdiff_t count, place;
    double quantile;
    char *out;
    const char *values;
} select_job;

static void load_row(const select_job *job, ptrdiff_t row, void *keys) {
    const char *values = job->values + row * job->count * mw_dtype_size(job->dtype);
    mw_load_keys(job->dtype, false, false, job->count, keys, values);
}

static void select_row(const void *context, ptrdiff_t row, void *room) {
    const select_job *job = context;
    load_row(job, row, room);
    char *out = job->out + row * mw_dtype_size(job->dtype);
    if (has_wide_keys(job->dtype)) {
        uint64_t *keys = room;
        const uint64_t key = radix_select_u64(keys, keys + job->count, job->count, job->place, 64);
        mw_store_keys(job->dtype, false, 1, out, &key);
    } else {
        uint32_t *keys = room;
        const uint32_t key = radix_select_u32(keys, keys + job->count, job->count, job->place, key_bits(job->dtype));
        mw_store_keys(job->dtype, false, 1, out, &key);
    }
}

static size_t key_room(mw_dtype dtype, ptrdiff_t count) {
    return 2 * (size_t)count * (has_wide_keys(dtype) ? sizeof(uint64_t) : sizeof(uint32_t));
}

bool mw_select(mw_dtype dtype, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t place, void *out, const void *values) {
    if (rows == 0) {
        return true;
    }
    const select_job job = {.dtype = dtype, .count = count, .place = place, .out = out, .values = values};
    return mw_for_each_row(rows, count, key_room(dtype, count), select_row, &job);
}

/// The key at `place` and the one after it, or the same if it is the last; false if there is a NaN.
#define NEIGHBOURS(name, KEY, SELECT)                                                                                 \
    static bool name(KEY *keys, ptrdiff_t count, ptrdiff_t place, int bits, KEY nan, KEY *lower, KEY *upper) {         \
        KEY largest = 0;                                                                                               \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            largest = keys[i] > largest ? keys[i] : largest;                                                           \
        }                                                                                                              \
        if (largest == nan) {                                                                                          \
            return false;                                                                                              \
        }                                                                                                              \
        const KEY found = SELECT(keys, keys + count, count, place, bits);                                              \
        ptrdiff_t not_above = 0;                                                                                       \
        KEY above = largest;                                                                                           \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            not_above += keys[i] <= found;                                                                             \
            above = keys[i] > found && keys[i] < above ? keys[i] : above;                                              \
        }                                                                                                              \
        *lower = found;                                                                                                \
        *upper = not_above > place + 1 ? found : above;                                                                \
        return true;                                                                                                   \
    }

NEIGHBOURS(neighbours_u32, uint32_t, radix_select_u32)
NEIGHBOURS(neighbours_u64, uint64_t, radix_select_u64)

static double value_at(mw_dtype dtype, const void *value) {
    switch (dtype) {
    case MW_DTYPE_F64: return *(const double *)value;
    case MW_DTYPE_F32: return (double)*(const float *)value;
    case MW_DTYPE_BF16: return (double)mw_f32_of_bf16(*(const uint16_t *)value);
    default: return (double)mw_f32_of_f16(*(const uint16_t *)value);
    }
}

static void quantile_row(const void *context, ptrdiff_t row, void *room) {
    const select_job *job = context;
    load_row(job, row, room);
    const double position = job->quantile * (double)(job->count - 1);
    ptrdiff_t place = (ptrdiff_t)position;
    place = place > job->count - 1 ? job->count - 1 : place;
    const double fraction = position - (double)place;
    double ends[2] = {0, 0};
    bool is_number;
    if (has_wide_keys(job->dtype)) {
        uint64_t lower, upper;
        is_number = neighbours_u64(room, job->count, place, 64, UINT64_MAX, &lower, &upper);
        if (is_number) {
            mw_store_keys(job->dtype, false, 1, &ends[0], &lower);
            mw_store_keys(job->dtype, false, 1, &ends[1], &upper);
        }
    } else {
        uint32_t lower, upper;
        const uint32_t nan = (uint32_t)largest_key(job->dtype);
        is_number = neighbours_u32(room, job->count, place, key_bits(job->dtype), nan, &lower, &upper);
        if (is_number) {
            mw_store_keys(job->dtype, false, 1, &ends[0], &lower);
            mw_store_keys(job->dtype, false, 1, &ends[1], &upper);
        }
    }
    double value = __builtin_nan("");
    if (is_number) {
        const double lower = value_at(job->dtype, &ends[0]), upper = value_at(job->dtype, &ends[1]);
        const double distance = upper - lower;
        // Equal infinities have no difference, and an infinite distance, of an infinite end or of two far ones, cannot be
        // multiplied and taken away again; from the nearer end, the result is that end where the fraction is 0 or 1.
        value = fraction == 0 || lower == upper ? lower
                : __builtin_isinf(distance)     ? lower * (1 - fraction) + upper * fraction
                : fraction < 0.5                ? lower + distance * fraction
                                                : upper - distance * (1 - fraction);
    }
    switch (job->dtype) {
    case MW_DTYPE_F64: ((double *)job->out)[row] = value; break;
    case MW_DTYPE_F32: ((float *)job->out)[row] = (float)value; break;
    case MW_DTYPE_BF16: ((uint16_t *)job->out)[row] = mw_bf16_of_f32(mw_odd_f32_of_f64(value)); break;
    default: ((uint16_t *)job->out)[row] = mw_f16_of_f32(mw_odd_f32_of_f64(value)); break;
    }
}

bool mw_quantile(mw_dtype dtype, double quantile, ptrdiff_t rows, ptrdiff_t count, void *out, const void *values) {
    if (rows == 0) {
        return true;
    }
    const select_job job = {.dtype = dtype, .count = count, .quantile = quantile, .out = out, .values = values};
    return mw_for_each_row(rows, count, key_room(dtype, count), quantile_row, &job);
}
