// The blocking of matrix products that all paths share.
#ifndef MESHWORK_GEMM_PLAN_H
#define MESHWORK_GEMM_PLAN_H

#include "../include/mw_allocator.h"
#include "../include/mw_pool.h"

/// Length of the blocks of k that are summed on their own. It shapes the result's bits, so it is the same everywhere.
#define MW_GEMM_DEPTH 256

/// Columns of b that are packed at once: 512 × 256 f32 are 512 KiB, which leaves room in a second-level cache of 1 MiB.
#define MW_GEMM_PACKED_COLUMNS 512

/// A product of fewer multiply-adds than this is done before a second thread would have woken up.
#define MW_GEMM_PARALLEL_WORK ((ptrdiff_t)1 << 21)

/// The operands of one product, or of the part of it that one thread computes.
typedef struct mw_gemm_product {
    ptrdiff_t m, n, k;
    const float *a;
    ptrdiff_t a_row_stride, a_column_stride;
    const float *b;
    ptrdiff_t b_row_stride, b_column_stride;
    float *c;
    ptrdiff_t c_row_stride;
    bool accumulate;
} mw_gemm_product;

#endif
