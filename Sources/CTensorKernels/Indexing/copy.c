#pragma STDC FP_CONTRACT OFF

#include "../Elementwise/strided_loop.h"
#include "../include/mw_indexing.h"
#include "../include/mw_pool.h"
#include "copy_transpose.h"

#include <string.h>

/// One row, for elements of each size.
#define MW_COPY_ROW(name, ELEMENT)                                                                                    \
    static void name(ptrdiff_t count, void *out_base, ptrdiff_t out_stride, const void *a_base, ptrdiff_t a_stride) {  \
        ELEMENT *out = out_base;                                                                                       \
        const ELEMENT *a = a_base;                                                                                     \
        if (out_stride == 1 && a_stride == 1) {                                                                        \
            memcpy(out, a, (size_t)count * sizeof(ELEMENT));                                                           \
        } else if (out_stride == 1 && a_stride == 0) {                                                                 \
            const ELEMENT value = *a;                                                                                  \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                out[i] = value;                                                                                        \
            }                                                                                                          \
        } else if (out_stride == 1 && a_stride == -1) {                                                                \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                out[i] = a[-i];                                                                                        \
            }                                                                                                          \
        } else {                                                                                                       \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                out[i * out_stride] = a[i * a_stride];                                                                 \
            }                                                                                                          \
        }                                                                                                              \
    }

MW_COPY_ROW(copy_row_8, uint8_t)
MW_COPY_ROW(copy_row_16, uint16_t)
MW_COPY_ROW(copy_row_32, uint32_t)
MW_COPY_ROW(copy_row_64, uint64_t)

static void copy_row(
    ptrdiff_t element_size, ptrdiff_t count, void *out, ptrdiff_t out_stride, const void *a, ptrdiff_t a_stride) {
    switch (element_size) {
    case 1: copy_row_8(count, out, out_stride, a, a_stride); break;
    case 2: copy_row_16(count, out, out_stride, a, a_stride); break;
    case 4: copy_row_32(count, out, out_stride, a, a_stride); break;
    default: copy_row_64(count, out, out_stride, a, a_stride);
    }
}

static void transpose(
    ptrdiff_t element_size, ptrdiff_t rows, ptrdiff_t columns, void *out, ptrdiff_t out_row_stride, const void *a,
    ptrdiff_t a_column_stride) {
    switch (element_size) {
    case 1: transpose_8(rows, columns, out, out_row_stride, a, a_column_stride); break;
    case 2: transpose_16(rows, columns, out, out_row_stride, a, a_column_stride); break;
    case 4: transpose_32(rows, columns, out, out_row_stride, a, a_column_stride); break;
    default: transpose_64(rows, columns, out, out_row_stride, a, a_column_stride);
    }
}

/// A copy whose axes are in the order of the destination's memory, collapsed.
typedef struct copy_plan {
    ptrdiff_t element_size;
    char *out;
    const char *a;
    /// Operand 0 is the destination, operand 1 the source.
    mw_strided_loop loop;
    /// The axis along which the source is contiguous where the innermost one, contiguous in the destination, is not:
    /// those two are transposed. -1 if there is none.
    int transposed_axis;
    /// The axis that is cut into pieces, and the length of a piece.
    int cut_axis;
    ptrdiff_t piece;
} copy_plan;

/// Puts the axes in the order of the destination's memory, so that it is written from front to back.
static bool plan_copy(
    copy_plan *plan, ptrdiff_t rank, const ptrdiff_t *shape, const ptrdiff_t *out_strides, const ptrdiff_t *a_strides) {
    ptrdiff_t sorted_shape[MW_MAXIMUM_RANK], sorted_out[MW_MAXIMUM_RANK], sorted_a[MW_MAXIMUM_RANK];
    ptrdiff_t count = 0;
    for (ptrdiff_t axis = 0; axis < rank; axis++) {
        const ptrdiff_t stride = out_strides[axis] < 0 ? -out_strides[axis] : out_strides[axis];
        ptrdiff_t place = count++;
        for (; place > 0; place--) {
            const ptrdiff_t before = sorted_out[place - 1] < 0 ? -sorted_out[place - 1] : sorted_out[place - 1];
            if (before >= stride) {
                break;
            }
            sorted_shape[place] = sorted_shape[place - 1];
            sorted_out[place] = sorted_out[place - 1];
            sorted_a[place] = sorted_a[place - 1];
        }
        sorted_shape[place] = shape[axis];
        sorted_out[place] = out_strides[axis];
        sorted_a[place] = a_strides[axis];
    }
    if (!mw_strided_loop_begin(
            &plan->loop, rank, sorted_shape, 2, (const ptrdiff_t *const[]){sorted_out, sorted_a})) {
        return false;
    }
    const int inner = plan->loop.rank - 1;
    plan->transposed_axis = -1;
    if (plan->loop.strides[0][inner] == 1 && plan->loop.strides[1][inner] != 1) {
        for (int axis = 0; axis < inner; axis++) {
            if (plan->loop.strides[1][axis] == 1 && plan->loop.shape[axis] >= 4 && plan->loop.shape[inner] >= 4) {
                plan->transposed_axis = axis;
            }
        }
    }
    return true;
}

/// Copies what the loop's shape says, from these addresses.
static void copy_piece(const copy_plan *plan, mw_strided_loop *loop, char *out, const char *a) {
    const int inner = loop->rank - 1;
    const int across = plan->transposed_axis;
    const ptrdiff_t rows = across < 0 ? 1 : loop->shape[across];
    if (across >= 0) {
        // The walk stands still on the axis that each transpose covers whole.
        loop->shape[across] = 1;
    }
    do {
        char *to = out + loop->offset[0] * plan->element_size;
        const char *from = a + loop->offset[1] * plan->element_size;
        if (across < 0) {
            copy_row(
                plan->element_size, loop->shape[inner], to, loop->strides[0][inner], from, loop->strides[1][inner]);
        } else {
            transpose(
                plan->element_size, rows, loop->shape[inner], to, loop->strides[0][across], from,
                loop->strides[1][inner]);
        }
    } while (mw_strided_loop_advance(loop));
}

static void copy_chunk(void *context, ptrdiff_t chunk) {
    const copy_plan *plan = context;
    mw_strided_loop loop = plan->loop;
    const int axis = plan->cut_axis;
    const ptrdiff_t start = chunk * plan->piece;
    loop.shape[axis] = loop.shape[axis] - start < plan->piece ? loop.shape[axis] - start : plan->piece;
    copy_piece(
        plan, &loop, plan->out + start * loop.strides[0][axis] * plan->element_size,
        plan->a + start * loop.strides[1][axis] * plan->element_size);
}

void mw_copy(
    ptrdiff_t element_size, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const ptrdiff_t *out_strides,
    const void *a, const ptrdiff_t *a_strides) {
    copy_plan plan = {.element_size = element_size, .out = out, .a = a};
    if (!plan_copy(&plan, rank, shape, out_strides, a_strides)) {
        return;
    }
    // Pieces of at least half a megabyte, along the longest axis; at most 64.
    enum { smallest_piece = 1 << 19, most_pieces = 64 };
    ptrdiff_t bytes = element_size;
    for (int axis = 0; axis < plan.loop.rank; axis++) {
        bytes *= plan.loop.shape[axis];
        if (plan.loop.shape[axis] > plan.loop.shape[plan.cut_axis]) {
            plan.cut_axis = axis;
        }
    }
    ptrdiff_t pieces = bytes / smallest_piece;
    pieces = pieces > most_pieces ? most_pieces : pieces;
    if (pieces < 2) {
        copy_piece(&plan, &plan.loop, out, a);
        return;
    }
    const ptrdiff_t length = plan.loop.shape[plan.cut_axis];
    // Whole cache lines, where the axis is contiguous.
    plan.piece = ((length + pieces - 1) / pieces + 63) / 64 * 64;
    mw_parallel_for((length + plan.piece - 1) / plan.piece, 0, copy_chunk, &plan);
}
