#pragma STDC FP_CONTRACT OFF

#include "../Elementwise/strided_loop.h"
#include "../include/mw_indexing.h"
#include "../include/mw_pool.h"

#include <string.h>

/// One row of results with an index each.
#define MW_GATHER_ROW(name, ELEMENT)                                                                                  \
    static void name(                                                                                                  \
        ptrdiff_t count, void *out_base, const void *a_base, ptrdiff_t a_stride, ptrdiff_t step,                       \
        const int64_t *indices, ptrdiff_t index_stride) {                                                              \
        ELEMENT *out = out_base;                                                                                       \
        const ELEMENT *a = a_base;                                                                                     \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            out[i] = a[i * a_stride + indices[i * index_stride] * step];                                               \
        }                                                                                                              \
    }

MW_GATHER_ROW(gather_row_8, uint8_t)
MW_GATHER_ROW(gather_row_16, uint16_t)
MW_GATHER_ROW(gather_row_32, uint32_t)
MW_GATHER_ROW(gather_row_64, uint64_t)

typedef struct gather_work {
    ptrdiff_t element_size;
    ptrdiff_t rank;
    /// Of the result. The strides along the indexed axis are 0: the index takes its place.
    ptrdiff_t shape[MW_MAXIMUM_RANK];
    ptrdiff_t a_strides[MW_MAXIMUM_RANK];
    const ptrdiff_t *index_strides;
    char *out;
    const char *a;
    ptrdiff_t step;
    const int64_t *indices;
    /// The elements of the result in one place of the first axis, and the places in a piece.
    ptrdiff_t inner_count;
    ptrdiff_t piece;
} gather_work;

static void gather_piece(void *context, ptrdiff_t number) {
    const gather_work *work = context;
    const ptrdiff_t size = work->element_size;
    const ptrdiff_t start = number * work->piece;
    ptrdiff_t shape[MW_MAXIMUM_RANK];
    memcpy(shape, work->shape, sizeof shape);
    shape[0] = shape[0] - start < work->piece ? shape[0] - start : work->piece;
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(
            &loop, work->rank, shape, 2, (const ptrdiff_t *const[]){work->a_strides, work->index_strides})) {
        return;
    }
    char *out = work->out + start * work->inner_count * size;
    const char *a = work->a + start * work->a_strides[0] * size;
    const int64_t *indices = work->indices + start * work->index_strides[0];
    const ptrdiff_t count = mw_strided_loop_row(&loop);
    const ptrdiff_t a_stride = mw_strided_loop_stride(&loop, 0);
    // A single element counts as a row with strides of 1, along which nothing moves.
    const ptrdiff_t index_stride = count == 1 ? 0 : mw_strided_loop_stride(&loop, 1);
    do {
        const int64_t *index = indices + loop.offset[1];
        const char *row = a + loop.offset[0] * size;
        if (index_stride == 0 && a_stride == 1) {
            memcpy(out, row + *index * work->step * size, (size_t)(count * size));
        } else {
            switch (size) {
            case 1: gather_row_8(count, out, row, a_stride, work->step, index, index_stride); break;
            case 2: gather_row_16(count, out, row, a_stride, work->step, index, index_stride); break;
            case 4: gather_row_32(count, out, row, a_stride, work->step, index, index_stride); break;
            default: gather_row_64(count, out, row, a_stride, work->step, index, index_stride);
            }
        }
        out += count * size;
    } while (mw_strided_loop_advance(&loop));
}

void mw_gather(
    ptrdiff_t element_size, ptrdiff_t rank, const ptrdiff_t *shape, ptrdiff_t axis, void *out, const void *a,
    const ptrdiff_t *a_strides, const int64_t *indices, const ptrdiff_t *index_strides) {
    gather_work work = {
        .element_size = element_size, .rank = rank, .index_strides = index_strides, .out = out, .a = a,
        .step = a_strides[axis], .indices = indices, .inner_count = 1};
    for (ptrdiff_t i = 0; i < rank; i++) {
        work.shape[i] = shape[i];
        work.a_strides[i] = i == axis ? 0 : a_strides[i];
        work.inner_count *= i == 0 ? 1 : shape[i];
    }
    // Pieces of about 64 Ki elements.
    enum { piece_count = 1 << 16 };
    work.piece = work.inner_count >= piece_count ? 1 : piece_count / (work.inner_count == 0 ? 1 : work.inner_count);
    mw_parallel_for((shape[0] + work.piece - 1) / work.piece, 0, gather_piece, &work);
}
