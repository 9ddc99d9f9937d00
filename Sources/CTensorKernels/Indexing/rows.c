#pragma STDC FP_CONTRACT OFF

#include "../include/mw_indexing.h"

#include <string.h>

ptrdiff_t mw_first_index_out_of_range(const int32_t *indices, ptrdiff_t count, ptrdiff_t bound) {
    for (ptrdiff_t i = 0; i < count; i++) {
        if (indices[i] < 0 || indices[i] >= bound) {
            return i;
        }
    }
    return -1;
}

void mw_gather_rows(
    ptrdiff_t count, ptrdiff_t row_size, void *out, const void *table, ptrdiff_t table_row_stride,
    const int32_t *indices) {
    char *row = out;
    for (ptrdiff_t i = 0; i < count; i++) {
        memcpy(row, (const char *)table + indices[i] * table_row_stride, (size_t)row_size);
        row += row_size;
    }
}

void mw_scatter_add_rows_f32(
    ptrdiff_t count, ptrdiff_t columns, float *table, const float *rows, const int32_t *indices) {
    for (ptrdiff_t i = 0; i < count; i++) {
        float *restrict target = table + indices[i] * columns;
        const float *restrict row = rows + i * columns;
        for (ptrdiff_t j = 0; j < columns; j++) {
            target[j] += row[j];
        }
    }
}
