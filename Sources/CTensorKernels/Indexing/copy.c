#pragma STDC FP_CONTRACT OFF

#include "../Elementwise/strided_loop.h"
#include "../include/mw_indexing.h"

#include <string.h>

/// One row, for elements of each size.
#define MW_COPY_ROW(name, ELEMENT)                                                                                    \
    static void name(ptrdiff_t count, void *out_base, ptrdiff_t out_stride, const void *a_base, ptrdiff_t a_stride) {  \
        ELEMENT *out = out_base;                                                                                       \
        const ELEMENT *a = a_base;                                                                                     \
        if (out_stride == 1 && a_stride == 1) {                                                                        \
            memcpy(out, a, (size_t)count * sizeof(ELEMENT));                                                           \
            return;                                                                                                    \
        }                                                                                                              \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            out[i * out_stride] = a[i * a_stride];                                                                     \
        }                                                                                                              \
    }

MW_COPY_ROW(copy_row_8, uint8_t)
MW_COPY_ROW(copy_row_16, uint16_t)
MW_COPY_ROW(copy_row_32, uint32_t)
MW_COPY_ROW(copy_row_64, uint64_t)

/// A transpose of f32 or i32 in squares of 16 × 16, so that each cache line that is touched is used whole: `out` is
/// contiguous along the columns, `a` along the rows.
static void transpose_32(
    ptrdiff_t rows, ptrdiff_t columns, uint32_t *out, ptrdiff_t out_row_stride, const uint32_t *a,
    ptrdiff_t a_column_stride) {
    enum { side = 16 };
    for (ptrdiff_t row = 0; row < rows; row += side) {
        const ptrdiff_t row_end = rows - row < side ? rows : row + side;
        for (ptrdiff_t column = 0; column < columns; column += side) {
            const ptrdiff_t column_end = columns - column < side ? columns : column + side;
            for (ptrdiff_t i = row; i < row_end; i++) {
                for (ptrdiff_t j = column; j < column_end; j++) {
                    out[i * out_row_stride + j] = a[i + j * a_column_stride];
                }
            }
        }
    }
}

void mw_copy(
    ptrdiff_t element_size, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const ptrdiff_t *out_strides,
    const void *a, const ptrdiff_t *a_strides) {
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(&loop, rank, shape, 2, (const ptrdiff_t *const[]){out_strides, a_strides})) {
        return;
    }
    const int inner = loop.rank - 1;
    if (element_size == 4 && loop.rank == 2 && loop.strides[0][inner] == 1 && loop.strides[1][0] == 1) {
        transpose_32(loop.shape[0], loop.shape[1], out, loop.strides[0][0], a, loop.strides[1][1]);
        return;
    }
    const ptrdiff_t count = mw_strided_loop_row(&loop);
    const ptrdiff_t out_stride = mw_strided_loop_stride(&loop, 0);
    const ptrdiff_t a_stride = mw_strided_loop_stride(&loop, 1);
    do {
        char *out_row = (char *)out + loop.offset[0] * element_size;
        const char *a_row = (const char *)a + loop.offset[1] * element_size;
        switch (element_size) {
        case 1: copy_row_8(count, out_row, out_stride, a_row, a_stride); break;
        case 2: copy_row_16(count, out_row, out_stride, a_row, a_stride); break;
        case 4: copy_row_32(count, out_row, out_stride, a_row, a_stride); break;
        default: copy_row_64(count, out_row, out_stride, a_row, a_stride);
        }
    } while (mw_strided_loop_advance(&loop));
}

void mw_fill_32(ptrdiff_t count, uint32_t *out, uint32_t pattern) {
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = pattern;
    }
}
