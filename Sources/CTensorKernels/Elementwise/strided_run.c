#pragma STDC FP_CONTRACT OFF

#include "strided_run.h"

#include "../include/mw_pool.h"

/// How a walk is cut: into pieces of one row, or into bundles of whole rows.
typedef struct shared_walk {
    const mw_strided_loop *loop;
    mw_row_function row;
    void *context;
    ptrdiff_t rows;
    ptrdiff_t pieces_of_a_row;
    ptrdiff_t rows_of_a_piece;
} shared_walk;

/// Puts the walk at the row of this number, in row-major order.
static void move_to_row(mw_strided_loop *loop, ptrdiff_t number) {
    for (int o = 0; o < loop->operands; o++) {
        loop->offset[o] = 0;
    }
    for (int axis = loop->rank - 2; axis >= 0; axis--) {
        loop->index[axis] = number % loop->shape[axis];
        number /= loop->shape[axis];
        for (int o = 0; o < loop->operands; o++) {
            loop->offset[o] += loop->index[axis] * loop->strides[o][axis];
        }
    }
}

static void gather_row_strides(const mw_strided_loop *loop, ptrdiff_t strides[MW_MAXIMUM_OPERANDS]) {
    for (int o = 0; o < loop->operands; o++) {
        strides[o] = mw_strided_loop_stride(loop, o);
    }
}

/// Runs `rows` rows from where the walk stands.
static void run_rows(
    mw_strided_loop *loop, ptrdiff_t first, ptrdiff_t rows, mw_row_function row, void *context) {
    ptrdiff_t strides[MW_MAXIMUM_OPERANDS];
    gather_row_strides(loop, strides);
    const ptrdiff_t count = mw_strided_loop_row(loop);
    for (ptrdiff_t i = 0; i < rows; i++) {
        row(context, count, (first + i) * count, loop->offset, strides);
        mw_strided_loop_advance(loop);
    }
}

static void run_piece(void *context, ptrdiff_t piece) {
    const shared_walk *walk = context;
    mw_strided_loop loop = *walk->loop;
    if (walk->pieces_of_a_row == 1) {
        const ptrdiff_t first = piece * walk->rows_of_a_piece;
        const ptrdiff_t left = walk->rows - first;
        move_to_row(&loop, first);
        run_rows(&loop, first, left < walk->rows_of_a_piece ? left : walk->rows_of_a_piece, walk->row, walk->context);
        return;
    }
    const ptrdiff_t row = piece / walk->pieces_of_a_row;
    const ptrdiff_t begin = piece % walk->pieces_of_a_row * MW_ELEMENTS_OF_A_PIECE;
    const ptrdiff_t left = mw_strided_loop_row(&loop) - begin;
    move_to_row(&loop, row);
    ptrdiff_t strides[MW_MAXIMUM_OPERANDS];
    gather_row_strides(&loop, strides);
    for (int o = 0; o < loop.operands; o++) {
        loop.offset[o] += begin * strides[o];
    }
    walk->row(
        walk->context, left < MW_ELEMENTS_OF_A_PIECE ? left : MW_ELEMENTS_OF_A_PIECE,
        row * mw_strided_loop_row(&loop) + begin, loop.offset, strides);
}

void mw_strided_run(
    const mw_strided_loop *loop, ptrdiff_t minimum_elements_to_share, mw_row_function row, void *context) {
    const ptrdiff_t count = mw_strided_loop_row(loop);
    ptrdiff_t rows = 1;
    for (int axis = 0; axis < loop->rank - 1; axis++) {
        rows *= loop->shape[axis];
    }
    if (count * rows >= minimum_elements_to_share && count * rows > MW_ELEMENTS_OF_A_PIECE) {
        const bool bundles = count <= MW_ELEMENTS_OF_A_PIECE;
        shared_walk walk = {
            .loop = loop,
            .row = row,
            .context = context,
            .rows = rows,
            .pieces_of_a_row = bundles ? 1 : (count + MW_ELEMENTS_OF_A_PIECE - 1) / MW_ELEMENTS_OF_A_PIECE,
            .rows_of_a_piece = bundles ? MW_ELEMENTS_OF_A_PIECE / count : 1,
        };
        const ptrdiff_t pieces = bundles ? (rows + walk.rows_of_a_piece - 1) / walk.rows_of_a_piece
                                         : rows * walk.pieces_of_a_row;
        mw_parallel_for(pieces, 0, run_piece, &walk);
        return;
    }
    if (rows == 1) {
        // The usual case, without a copy of the walk.
        ptrdiff_t strides[MW_MAXIMUM_OPERANDS];
        gather_row_strides(loop, strides);
        row(context, count, 0, loop->offset, strides);
        return;
    }
    mw_strided_loop copy = *loop;
    run_rows(&copy, 0, rows, row, context);
}
