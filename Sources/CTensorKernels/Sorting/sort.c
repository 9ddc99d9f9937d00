#include "../include/mw_sorting.h"
#include "radix.h"
#include "row_pieces.h"

typedef struct sort_job {
    mw_dtype dtype;
    bool descending;
    ptrdiff_t count, leading;
    char *out;
    const char *values;
} sort_job;

/// Elements of one byte are counted, and written as often as they were there.
static void sort_bytes(const sort_job *job, uint8_t *out, const uint8_t *values) {
    ptrdiff_t counters[256] = {0};
    for (ptrdiff_t i = 0; i < job->count; i++) {
        counters[values[i]]++;
    }
    uint8_t ordered[256];
    uint32_t keys[256];
    for (int key = 0; key < 256; key++) {
        keys[key] = (uint32_t)key;
    }
    mw_store_keys(job->dtype, job->descending, 256, ordered, keys);
    for (int key = 0; key < 256; key++) {
        memset(out, ordered[key], (size_t)counters[ordered[key]]);
        out += counters[ordered[key]];
    }
}

static void sort_row(const void *context, ptrdiff_t row, void *room) {
    const sort_job *job = context;
    const ptrdiff_t count = job->count;
    const ptrdiff_t offset = row * count * mw_dtype_size(job->dtype);
    const char *values = job->values + offset;
    char *out = job->out + offset;
    const int bits = key_bits(job->dtype);
    const void *sorted;
    if (bits == 8) {
        sort_bytes(job, (uint8_t *)out, (const uint8_t *)values);
        return;
    }
    mw_load_keys(job->dtype, job->descending, false, count, room, values);
    if (has_wide_keys(job->dtype)) {
        uint64_t *keys = room;
        sorted = radix_sort_u64(keys, keys + count, count, 0, bits);
    } else {
        uint32_t *keys = room;
        sorted = radix_sort_u32(keys, keys + count, count, 0, bits);
    }
    mw_store_keys(job->dtype, job->descending, count, out, sorted);
}

bool mw_sort(mw_dtype dtype, bool descending, ptrdiff_t rows, ptrdiff_t count, void *out, const void *values) {
    if (rows == 0 || count == 0) {
        return true;
    }
    const sort_job job = {.dtype = dtype, .descending = descending, .count = count, .out = out, .values = values};
    const size_t key_size = has_wide_keys(dtype) ? sizeof(uint64_t) : sizeof(uint32_t);
    const size_t bytes = key_bits(dtype) == 8 ? 0 : 2 * (size_t)count * key_size;
    return mw_for_each_row(rows, count, bytes, sort_row, &job);
}

/// Sorts `count` entries with their places and writes the places.
static void write_places(mw_dtype dtype, int32_t *out, ptrdiff_t count, void *entries, void *other) {
    if (has_wide_keys(dtype)) {
        const wide_entry *sorted = radix_sort_wide(entries, other, count, 0, 64);
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = (int32_t)sorted[i].place;
        }
    } else {
        const narrow_entry *sorted = radix_sort_u64(entries, other, count, 32, 32 + key_bits(dtype));
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = (int32_t)(uint32_t)sorted[i];
        }
    }
}

static void argsort_row(const void *context, ptrdiff_t row, void *room) {
    const sort_job *job = context;
    const ptrdiff_t count = job->count;
    const char *values = job->values + row * count * mw_dtype_size(job->dtype);
    if (has_wide_keys(job->dtype)) {
        wide_entry *entries = room;
        uint64_t *keys = (uint64_t *)(entries + count);
        mw_load_keys(job->dtype, job->descending, true, count, keys, values);
        for (ptrdiff_t i = 0; i < count; i++) {
            entries[i] = (wide_entry){.key = keys[i], .place = i};
        }
    } else {
        narrow_entry *entries = room;
        uint32_t *keys = (uint32_t *)(entries + count);
        mw_load_keys(job->dtype, job->descending, true, count, keys, values);
        for (ptrdiff_t i = 0; i < count; i++) {
            entries[i] = NARROW_ENTRY(keys[i], i);
        }
    }
    const size_t entry_size = has_wide_keys(job->dtype) ? sizeof(wide_entry) : sizeof(narrow_entry);
    write_places(
        job->dtype, (int32_t *)job->out + row * count, count, room, (char *)room + (size_t)count * entry_size);
}

bool mw_argsort(
    mw_dtype dtype, bool descending, ptrdiff_t rows, ptrdiff_t count, int32_t *out, const void *values) {
    if (rows == 0 || count == 0) {
        return true;
    }
    const sort_job job = {
        .dtype = dtype, .descending = descending, .count = count, .out = (char *)out, .values = values};
    const size_t entry_size = has_wide_keys(dtype) ? sizeof(wide_entry) : sizeof(narrow_entry);
    return mw_for_each_row(rows, count, 2 * (size_t)count * entry_size, argsort_row, &job);
}

/// Keeps the entries before the last leading one's key, and of those with that key the first ones, then sorts them.
#define LEADING_ROW(name, KEY, ENTRY, MAKE, SELECT)                                                                   \
    static void name(const sort_job *job, int32_t *out, const char *values, void *room) {                              \
        const ptrdiff_t count = job->count, leading = job->leading;                                                    \
        KEY *keys = room;                                                                                              \
        KEY *other = keys + count;                                                                                     \
        mw_load_keys(job->dtype, job->descending, true, count, keys, values);                                          \
        const KEY last = SELECT(keys, other, count, leading - 1, key_bits(job->dtype));                                \
        ptrdiff_t before = 0;                                                                                          \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            before += keys[i] < last;                                                                                  \
        }                                                                                                              \
        ENTRY *entries = (ENTRY *)(other + count);                                                                     \
        ptrdiff_t kept = 0, ties = leading - before;                                                                   \
        for (ptrdiff_t i = 0; kept < leading; i++) {                                                                   \
            const bool is_tie = keys[i] == last && ties > 0;                                                           \
            if (keys[i] < last || is_tie) {                                                                            \
                entries[kept++] = MAKE(keys[i], i);                                                                    \
                ties -= is_tie;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
        write_places(job->dtype, out, leading, entries, entries + leading);                                            \
    }

#define WIDE_ENTRY(entry_key, entry_place) ((wide_entry){.key = (entry_key), .place = (entry_place)})

LEADING_ROW(leading_of_narrow, uint32_t, narrow_entry, NARROW_ENTRY, radix_select_u32)
LEADING_ROW(leading_of_wide, uint64_t, wide_entry, WIDE_ENTRY, radix_select_u64)

static void leading_row(const void *context, ptrdiff_t row, void *room) {
    const sort_job *job = context;
    const char *values = job->values + row * job->count * mw_dtype_size(job->dtype);
    int32_t *out = (int32_t *)job->out + row * job->leading;
    if (has_wide_keys(job->dtype)) {
        leading_of_wide(job, out, values, room);
    } else {
        leading_of_narrow(job, out, values, room);
    }
}

bool mw_leading_places(
    mw_dtype dtype, bool descending, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t leading, int32_t *out,
    const void *values) {
    if (rows == 0 || leading == 0) {
        return true;
    }
    const sort_job job = {
        .dtype = dtype, .descending = descending, .count = count, .leading = leading, .out = (char *)out,
        .values = values};
    const bool is_wide = has_wide_keys(dtype);
    const size_t keys = 2 * (size_t)count * (is_wide ? sizeof(uint64_t) : sizeof(uint32_t));
    const size_t entries = 2 * (size_t)leading * (is_wide ? sizeof(wide_entry) : sizeof(narrow_entry));
    return mw_for_each_row(rows, count, keys + entries, leading_row, &job);
}
