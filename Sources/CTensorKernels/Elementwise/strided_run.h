// Runs a row function over a strided walk, on the caller's thread or shared over the compute pool.
#ifndef MESHWORK_STRIDED_RUN_H
#define MESHWORK_STRIDED_RUN_H

#include "strided_loop.h"

/// One row, or a piece of one: `count` elements of the result from element `out_offset` of it on, and for each operand
/// the offset of its first element from its base and its stride along the row, in elements.
typedef void (*mw_row_function)(
    void *context, ptrdiff_t count, ptrdiff_t out_offset, const ptrdiff_t *offsets, const ptrdiff_t *strides);

/// The elements of a piece that one thread computes at a time.
#define MW_ELEMENTS_OF_A_PIECE ((ptrdiff_t)32768)

/// From how many elements on sharing is worth a wake-up (about 100 µs of work): for operations that are bound by
/// memory, and for those that compute (exp, sin, division, conversions by way of f32).
#define MW_SHARE_CHEAP_FROM ((ptrdiff_t)1 << 19)
#define MW_SHARE_COSTLY_FROM ((ptrdiff_t)1 << 17)

/// Calls `row` for every row of a walk that has just begun; the result is contiguous.
///
/// From `minimum_elements_to_share` elements on (PTRDIFF_MAX: never) the rows, cut or bundled into pieces of about
/// `MW_ELEMENTS_OF_A_PIECE` elements, run on as many threads as the pool has, in any order. The borders depend on the
/// shape alone, and `row` must give each element what it would give it in any other cut.
void mw_strided_run(
    const mw_strided_loop *loop, ptrdiff_t minimum_elements_to_share, mw_row_function row, void *context)
    __attribute__((visibility("hidden")));

#endif
