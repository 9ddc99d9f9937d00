// Products of batches of matrices in any numeric type, over the f32 product of the table.
#ifndef MESHWORK_PRODUCT_H
#define MESHWORK_PRODUCT_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// A batch of products c = a · b, or c += a · b where `accumulate`, with free strides for a and b.
typedef struct mw_product {
    /// Any type but bool. Integers wrap around; 16-bit floats are summed in f32 and rounded once.
    mw_dtype dtype;
    ptrdiff_t m, n, k;
    ptrdiff_t a_row_stride, a_column_stride;
    ptrdiff_t b_row_stride, b_column_stride;
    /// Columns of c are neighbours; its matrices follow each other without gaps.
    ptrdiff_t c_row_stride;
    bool accumulate;
    ptrdiff_t batch_rank;
    const ptrdiff_t *batch_shape;
    const ptrdiff_t *a_batch_strides;
    const ptrdiff_t *b_batch_strides;
} mw_product;

/// Computes a batch of products. Small products are shared over the compute pool several at a time, large ones each by
/// itself; borders depend on the shapes alone, and so do the bits.
///
/// c must not overlap a or b. Without `accumulate` it is not read.
void mw_multiply_batch(const mw_product *product, void *c, const void *a, const void *b);

#pragma clang assume_nonnull end

#endif
