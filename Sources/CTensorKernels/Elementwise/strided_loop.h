// One walk over up to four strided operands in row-major order, as few and as long rows as their strides allow.
#ifndef MESHWORK_STRIDED_LOOP_H
#define MESHWORK_STRIDED_LOOP_H

#include "../include/mw_kernels.h"

#define MW_MAXIMUM_OPERANDS 4

/// Axes left after collapsing (at least one), and where the walk stands on all of them but the innermost.
typedef struct mw_strided_loop {
    int operands;
    int rank;
    ptrdiff_t shape[MW_MAXIMUM_RANK];
    ptrdiff_t strides[MW_MAXIMUM_OPERANDS][MW_MAXIMUM_RANK];
    ptrdiff_t index[MW_MAXIMUM_RANK];
    /// Where each operand's current row begins, in elements from its base.
    ptrdiff_t offset[MW_MAXIMUM_OPERANDS];
} mw_strided_loop;

/// Drops axes of size 1 and merges neighbours that every operand walks as one. Returns false if there are no elements.
static inline bool mw_strided_loop_begin(
    mw_strided_loop *loop, ptrdiff_t rank, const ptrdiff_t *shape, int operands,
    const ptrdiff_t *const *operand_strides) {
    loop->operands = operands;
    loop->rank = 0;
    for (int o = 0; o < operands; o++) {
        loop->offset[o] = 0;
    }
    for (ptrdiff_t axis = 0; axis < rank; axis++) {
        if (shape[axis] == 0) {
            return false;
        }
        if (shape[axis] == 1) {
            continue;
        }
        const int last = loop->rank - 1;
        bool merges = last >= 0;
        for (int o = 0; merges && o < operands; o++) {
            merges = loop->strides[o][last] == operand_strides[o][axis] * shape[axis];
        }
        const int target = merges ? last : loop->rank++;
        loop->shape[target] = merges ? loop->shape[last] * shape[axis] : shape[axis];
        loop->index[target] = 0;
        for (int o = 0; o < operands; o++) {
            loop->strides[o][target] = operand_strides[o][axis];
        }
    }
    if (loop->rank == 0) {
        loop->rank = 1;
        loop->shape[0] = 1;
        loop->index[0] = 0;
        for (int o = 0; o < operands; o++) {
            // A single element, read as a contiguous row of one.
            loop->strides[o][0] = 1;
        }
    }
    return true;
}

/// Elements of a row.
static inline ptrdiff_t mw_strided_loop_row(const mw_strided_loop *loop) {
    return loop->shape[loop->rank - 1];
}

/// An operand's stride along a row.
static inline ptrdiff_t mw_strided_loop_stride(const mw_strided_loop *loop, int operand) {
    return loop->strides[operand][loop->rank - 1];
}

/// Moves every operand's offset to the next row. Returns false after the last one.
static inline bool mw_strided_loop_advance(mw_strided_loop *loop) {
    for (int axis = loop->rank - 2; axis >= 0; axis--) {
        for (int o = 0; o < loop->operands; o++) {
            loop->offset[o] += loop->strides[o][axis];
        }
        if (++loop->index[axis] < loop->shape[axis]) {
            return true;
        }
        for (int o = 0; o < loop->operands; o++) {
            loop->offset[o] -= loop->strides[o][axis] * loop->shape[axis];
        }
        loop->index[axis] = 0;
    }
    return false;
}

#endif
