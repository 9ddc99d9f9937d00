// The blocking of matrix products that all paths and element types share.
#ifndef MESHWORK_GEMM_PLAN_H
#define MESHWORK_GEMM_PLAN_H

#include "../include/mw_allocator.h"
#include "../include/mw_pool.h"

/// Steps of k that are summed on their own; see `gemm_driver.h` for what a step is. It shapes the result's bits, so it is
/// the same everywhere.
#define MW_GEMM_DEPTH 256

/// Bytes of b that are packed at once, which leaves room in a second-level cache of 1 MiB.
#define MW_GEMM_PACKED_BYTES ((ptrdiff_t)512 << 10)

/// A product of fewer multiply-adds than this is done before a second thread would have woken up.
#define MW_GEMM_PARALLEL_WORK ((ptrdiff_t)1 << 21)

/// The operands of one product, or of the part of it that one thread computes. Strides count elements.
typedef struct mw_gemm_product {
    ptrdiff_t m, n, k;
    const void *a;
    ptrdiff_t a_row_stride, a_column_stride;
    const void *b;
    ptrdiff_t b_row_stride, b_column_stride;
    void *c;
    ptrdiff_t c_row_stride;
    bool accumulate;
} mw_gemm_product;

/// What sharing a product out has to know of its kernel.
typedef struct mw_gemm_kind {
    /// Bytes of an element of a, b and c.
    ptrdiff_t left_size, right_size, sum_size;
    ptrdiff_t tile_rows, tile_columns;
    /// Computes a product, none of whose sizes is 0, on the calling thread.
    void (*multiply)(const mw_gemm_product *product);
} mw_gemm_kind;

/// Computes a product, in bands of whole tiles on several threads where it is worth waking them.
__attribute__((visibility("hidden"))) void mw_gemm_share(
    const mw_gemm_product *product, const mw_gemm_kind *kind, ptrdiff_t thread_budget);

#endif
