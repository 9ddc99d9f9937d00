#pragma STDC FP_CONTRACT OFF

#include "../include/mw_product.h"
#include "../include/mw_pool.h"
#include "product.h"

/// Multiply-adds that are worth waking a thread for.
#define GROUP_WORK ((ptrdiff_t)1 << 18)

typedef struct product_groups {
    const mw_product *product;
    void *c;
    const void *a, *b;
    ptrdiff_t count, matrices;
    ptrdiff_t budget;
} product_groups;

static void multiply_group(void *context, ptrdiff_t group) {
    const product_groups *groups = context;
    const mw_product *product = groups->product;
    const ptrdiff_t size = mw_dtype_size(product->dtype);
    const ptrdiff_t first = group * groups->matrices;
    const ptrdiff_t end = groups->count - first < groups->matrices ? groups->count : first + groups->matrices;
    for (ptrdiff_t matrix = first; matrix < end; matrix++) {
        ptrdiff_t rest = matrix, a_offset = 0, b_offset = 0;
        for (ptrdiff_t axis = product->batch_rank - 1; axis >= 0; axis--) {
            const ptrdiff_t place = rest % product->batch_shape[axis];
            rest /= product->batch_shape[axis];
            a_offset += place * product->a_batch_strides[axis];
            b_offset += place * product->b_batch_strides[axis];
        }
        mw_multiply_one(
            product, (char *)groups->c + matrix * product->m * product->c_row_stride * size,
            (const char *)groups->a + a_offset * size, (const char *)groups->b + b_offset * size, groups->budget);
    }
}

void mw_multiply_batch(const mw_product *product, void *c, const void *a, const void *b) {
    if (product->batch_rank == 0 && product->m != 0 && product->n != 0) {
        mw_multiply_one(product, c, a, b, 0);
        return;
    }
    product_groups groups = {.product = product, .c = c, .a = a, .b = b, .count = 1};
    for (ptrdiff_t axis = 0; axis < product->batch_rank; axis++) {
        groups.count *= product->batch_shape[axis];
    }
    if (groups.count == 0 || product->m == 0 || product->n == 0) {
        return;
    }
    const ptrdiff_t inner = product->k > 0 ? product->k : 1;
    const ptrdiff_t area = product->m * product->n;
    groups.matrices = area >= GROUP_WORK / inner ? 1 : GROUP_WORK / (area * inner);
    // Few large products: one after the other, each on all threads. Otherwise each on one.
    const ptrdiff_t group_count = (groups.count + groups.matrices - 1) / groups.matrices;
    if (groups.matrices == 1 && (groups.count < 8 || area >= 16 * GROUP_WORK / inner)) {
        groups.matrices = groups.count;
        groups.budget = 0;
        multiply_group(&groups, 0);
        return;
    }
    groups.budget = 1;
    mw_parallel_for(group_count, 0, multiply_group, &groups);
}
