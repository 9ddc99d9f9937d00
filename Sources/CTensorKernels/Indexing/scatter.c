#pragma STDC FP_CONTRACT OFF

#include "../Elementwise/strided_loop.h"
#include "../include/mw_indexing.h"
#include "../include/mw_pool.h"

#include <string.h>

/// How a row of source elements reaches its places: `step` times the index further on, one index for the row
/// (`index_stride` 0) or one an element.
typedef void scatter_row(
    ptrdiff_t count, void *out, ptrdiff_t out_stride, ptrdiff_t step, const int64_t *indices, ptrdiff_t index_stride,
    const void *source, ptrdiff_t source_stride);

#define MW_SCATTER_ROW(name, ELEMENT, combined)                                                                       \
    static void name(                                                                                                  \
        ptrdiff_t count, void *out_base, ptrdiff_t out_stride, ptrdiff_t step, const int64_t *indices,                 \
        ptrdiff_t index_stride, const void *source_base, ptrdiff_t source_stride) {                                    \
        const ELEMENT *source = source_base;                                                                           \
        if (index_stride == 0 && out_stride == 1 && source_stride == 1) {                                              \
            ELEMENT *restrict row = (ELEMENT *)out_base + indices[0] * step;                                           \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                const ELEMENT x = row[i], y = source[i];                                                               \
                (void)x;                                                                                               \
                row[i] = (ELEMENT)(combined);                                                                          \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        ELEMENT *out = out_base;                                                                                       \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            ELEMENT *place = out + i * out_stride + indices[i * index_stride] * step;                                  \
            const ELEMENT x = *place, y = source[i * source_stride];                                                   \
            (void)x;                                                                                                   \
            *place = (ELEMENT)(combined);                                                                              \
        }                                                                                                              \
    }

// A NaN on either side stays.
#define MW_SCATTER_ROWS(SUFFIX, ELEMENT, WIDE)                                                                        \
    MW_SCATTER_ROW(add_##SUFFIX, ELEMENT, (WIDE)x + (WIDE)y)                                                           \
    MW_SCATTER_ROW(multiply_##SUFFIX, ELEMENT, (WIDE)x * (WIDE)y)                                                      \
    MW_SCATTER_ROW(maximum_##SUFFIX, ELEMENT, x > y || x != x ? x : y)                                                 \
    MW_SCATTER_ROW(minimum_##SUFFIX, ELEMENT, x < y || x != x ? x : y)

// Integers wrap around, so their sums and products need no sign: only an order does.
MW_SCATTER_ROWS(f32, float, float)
MW_SCATTER_ROWS(f64, double, double)
MW_SCATTER_ROWS(i8, int8_t, uint32_t)
MW_SCATTER_ROWS(i16, int16_t, uint32_t)
MW_SCATTER_ROWS(i32, int32_t, uint32_t)
MW_SCATTER_ROWS(i64, int64_t, uint64_t)
MW_SCATTER_ROWS(u8, uint8_t, uint32_t)
MW_SCATTER_ROWS(u16, uint16_t, uint32_t)
MW_SCATTER_ROWS(u32, uint32_t, uint32_t)
MW_SCATTER_ROWS(u64, uint64_t, uint64_t)
MW_SCATTER_ROW(set_8, uint8_t, y)
MW_SCATTER_ROW(set_16, uint16_t, y)
MW_SCATTER_ROW(set_32, uint32_t, y)
MW_SCATTER_ROW(set_64, uint64_t, y)

static scatter_row *row_function(mw_scatter_mode mode, mw_dtype dtype) {
#define MW_ROWS(SUFFIX) {add_##SUFFIX, multiply_##SUFFIX, maximum_##SUFFIX, minimum_##SUFFIX}
    static scatter_row *const combining[MW_DTYPE_COUNT][4] = {
        [MW_DTYPE_F32] = MW_ROWS(f32), [MW_DTYPE_F64] = MW_ROWS(f64), [MW_DTYPE_I8] = MW_ROWS(i8),
        [MW_DTYPE_I16] = MW_ROWS(i16), [MW_DTYPE_I32] = MW_ROWS(i32), [MW_DTYPE_I64] = MW_ROWS(i64),
        [MW_DTYPE_U8] = MW_ROWS(u8),   [MW_DTYPE_U16] = MW_ROWS(u16), [MW_DTYPE_U32] = MW_ROWS(u32),
        [MW_DTYPE_U64] = MW_ROWS(u64),
    };
#undef MW_ROWS
    if (mode != MW_SCATTER_SET) {
        return combining[dtype][mode - MW_SCATTER_ADD];
    }
    switch (mw_dtype_size(dtype)) {
    case 1: return set_8;
    case 2: return set_16;
    case 4: return set_32;
    default: return set_64;
    }
}

typedef struct scatter_work {
    scatter_row *row;
    ptrdiff_t element_size;
    ptrdiff_t rank;
    /// Of the source. The result's stride along the indexed axis is 0: the index takes its place.
    ptrdiff_t shape[MW_MAXIMUM_RANK];
    ptrdiff_t out_strides[MW_MAXIMUM_RANK];
    const ptrdiff_t *index_strides;
    const ptrdiff_t *source_strides;
    char *out;
    ptrdiff_t step;
    const int64_t *indices;
    const char *source;
    ptrdiff_t cut_axis;
    ptrdiff_t piece;
} scatter_work;

static void scatter_piece(void *context, ptrdiff_t number) {
    const scatter_work *work = context;
    const ptrdiff_t size = work->element_size;
    const ptrdiff_t axis = work->cut_axis;
    const ptrdiff_t start = number * work->piece;
    ptrdiff_t shape[MW_MAXIMUM_RANK];
    memcpy(shape, work->shape, sizeof shape);
    if (work->rank > 0) {
        shape[axis] = shape[axis] - start < work->piece ? shape[axis] - start : work->piece;
    }
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(
            &loop, work->rank, shape, 3,
            (const ptrdiff_t *const[]){work->out_strides, work->index_strides, work->source_strides})) {
        return;
    }
    const ptrdiff_t moved = work->rank > 0 ? start : 0;
    char *out = work->out + (moved == 0 ? 0 : moved * work->out_strides[axis] * size);
    const int64_t *indices = work->indices + (moved == 0 ? 0 : moved * work->index_strides[axis]);
    const char *source = work->source + (moved == 0 ? 0 : moved * work->source_strides[axis] * size);
    const ptrdiff_t count = mw_strided_loop_row(&loop);
    const ptrdiff_t index_stride = count == 1 ? 0 : mw_strided_loop_stride(&loop, 1);
    do {
        work->row(
            count, out + loop.offset[0] * size, mw_strided_loop_stride(&loop, 0), work->step, indices + loop.offset[1],
            index_stride, source + loop.offset[2] * size, mw_strided_loop_stride(&loop, 2));
    } while (mw_strided_loop_advance(&loop));
}

void mw_scatter(
    mw_scatter_mode mode, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, ptrdiff_t axis, void *out,
    const ptrdiff_t *out_strides, const int64_t *indices, const ptrdiff_t *index_strides, const void *source,
    const ptrdiff_t *source_strides) {
    scatter_work work = {
        .row = row_function(mode, dtype), .element_size = mw_dtype_size(dtype), .rank = rank,
        .index_strides = index_strides, .source_strides = source_strides, .out = out, .step = out_strides[axis],
        .indices = indices, .source = source, .cut_axis = axis};
    ptrdiff_t count = 1;
    for (ptrdiff_t i = 0; i < rank; i++) {
        work.shape[i] = shape[i];
        work.out_strides[i] = i == axis ? 0 : out_strides[i];
        count *= shape[i];
        // Whatever lies at different places of another axis never meets: only such an axis may be cut.
        if (i != axis && (work.cut_axis == axis || shape[i] > shape[work.cut_axis])) {
            work.cut_axis = i;
        }
    }
    enum { piece_count = 1 << 16 };
    ptrdiff_t pieces = work.cut_axis == axis ? 1 : count / piece_count;
    const ptrdiff_t length = shape[work.cut_axis];
    pieces = pieces < 1 ? 1 : pieces > 64 ? 64 : pieces;
    work.piece = (length + pieces - 1) / pieces;
    // Pieces of an axis that is contiguous hold whole cache lines.
    work.piece = pieces > 1 && work.out_strides[work.cut_axis] == 1 ? (work.piece + 63) / 64 * 64 : work.piece;
    work.piece = work.piece < 1 ? 1 : work.piece;
    mw_parallel_for((length + work.piece - 1) / work.piece, 0, scatter_piece, &work);
}

void mw_accumulate(
    mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const ptrdiff_t *out_strides, const void *source,
    const ptrdiff_t *source_strides) {
    static const int64_t nowhere = 0;
    static const ptrdiff_t still[MW_MAXIMUM_RANK] = {0};
    scatter_work work = {
        .row = row_function(MW_SCATTER_ADD, dtype), .element_size = mw_dtype_size(dtype), .rank = rank,
        .index_strides = still, .source_strides = source_strides, .out = out, .step = 0, .indices = &nowhere,
        .source = source};
    for (ptrdiff_t i = 0; i < rank; i++) {
        work.shape[i] = shape[i];
        work.out_strides[i] = out_strides[i];
    }
    // Places may overlap: one piece, in row-major order.
    work.piece = rank > 0 ? shape[0] : 1;
    scatter_piece(&work, 0);
}
