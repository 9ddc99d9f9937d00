#pragma STDC FP_CONTRACT OFF

#include "../include/mw_indexing.h"
#include "../include/mw_pool.h"

#include <string.h>

#define MW_FILL(name, ELEMENT)                                                                                        \
    static void name(ptrdiff_t count, void *out_base, const void *value_base) {                                        \
        ELEMENT *out = out_base;                                                                                       \
        ELEMENT value;                                                                                                 \
        memcpy(&value, value_base, sizeof value);                                                                      \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            out[i] = value;                                                                                            \
        }                                                                                                              \
    }

MW_FILL(fill_16, uint16_t)
MW_FILL(fill_32, uint32_t)
MW_FILL(fill_64, uint64_t)

typedef struct fill_work {
    ptrdiff_t element_size;
    ptrdiff_t count;
    char *out;
    const void *value;
} fill_work;

enum { piece_bytes = 1 << 20 };

static void fill_piece(void *context, ptrdiff_t piece) {
    const fill_work *work = context;
    const ptrdiff_t length = piece_bytes / work->element_size;
    const ptrdiff_t start = piece * length;
    const ptrdiff_t count = work->count - start < length ? work->count - start : length;
    char *out = work->out + start * work->element_size;
    switch (work->element_size) {
    case 1: memset(out, *(const uint8_t *)work->value, (size_t)count); break;
    case 2: fill_16(count, out, work->value); break;
    case 4: fill_32(count, out, work->value); break;
    default: fill_64(count, out, work->value);
    }
}

void mw_fill(ptrdiff_t element_size, ptrdiff_t count, void *out, const void *value) {
    fill_work work = {element_size, count, out, value};
    mw_parallel_for((count * element_size + piece_bytes - 1) / piece_bytes, 0, fill_piece, &work);
}

void mw_fill_32(ptrdiff_t count, uint32_t *out, uint32_t pattern) {
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = pattern;
    }
}
