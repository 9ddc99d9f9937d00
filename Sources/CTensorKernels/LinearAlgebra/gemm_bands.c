// Shares a matrix product out over threads.
#pragma STDC FP_CONTRACT OFF

#include "gemm_plan.h"

#include <string.h>

/// A product cut into bands of rows or of columns, whole tiles each.
typedef struct banded_product {
    const mw_gemm_product *product;
    const mw_gemm_kind *kind;
    ptrdiff_t band_rows, band_columns;
} banded_product;

static void multiply_band(void *context, ptrdiff_t band) {
    const banded_product *bands = context;
    const mw_gemm_kind *kind = bands->kind;
    mw_gemm_product part = *bands->product;
    const ptrdiff_t row = bands->band_rows * band;
    const ptrdiff_t column = bands->band_columns * band;
    part.a = (const char *)part.a + row * part.a_row_stride * kind->left_size;
    part.b = (const char *)part.b + column * part.b_column_stride * kind->right_size;
    part.c = (char *)part.c + (row * part.c_row_stride + column) * kind->sum_size;
    if (bands->band_rows > 0) {
        part.m = part.m - row < bands->band_rows ? part.m - row : bands->band_rows;
    } else {
        part.n = part.n - column < bands->band_columns ? part.n - column : bands->band_columns;
    }
    kind->multiply(&part);
}

/// The size of each of at most `threads` bands, a multiple of `unit`.
static ptrdiff_t band_size(ptrdiff_t size, ptrdiff_t unit, ptrdiff_t threads) {
    const ptrdiff_t units = (size + unit - 1) / unit;
    return (units + threads - 1) / threads * unit;
}

void mw_gemm_share(const mw_gemm_product *product, const mw_gemm_kind *kind, ptrdiff_t thread_budget) {
    const ptrdiff_t m = product->m, n = product->n, k = product->k;
    if (m <= 0 || n <= 0) {
        return;
    }
    if (k <= 0) {
        // Zero is all bits zero in every element type.
        for (ptrdiff_t row = 0; row < m && !product->accumulate; row++) {
            memset((char *)product->c + row * product->c_row_stride * kind->sum_size, 0, (size_t)(n * kind->sum_size));
        }
        return;
    }
    const ptrdiff_t threads = m * n < MW_GEMM_PARALLEL_WORK / k ? 1 : mw_pool_threads_for(thread_budget);
    if (threads == 1) {
        kind->multiply(product);
        return;
    }
    // Bands of columns pack each part of b once, bands of rows each part of a; the longer side has more to share out.
    banded_product bands = {.product = product, .kind = kind, .band_rows = 0, .band_columns = 0};
    ptrdiff_t count;
    if (n >= m) {
        bands.band_columns = band_size(n, kind->tile_columns, threads);
        count = (n + bands.band_columns - 1) / bands.band_columns;
    } else {
        bands.band_rows = band_size(m, kind->tile_rows, threads);
        count = (m + bands.band_rows - 1) / bands.band_rows;
    }
    mw_parallel_for(count, threads, multiply_band, &bands);
}
