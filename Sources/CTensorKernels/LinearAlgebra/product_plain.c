#pragma STDC FP_CONTRACT OFF

#include "product_plain.h"

#include "../include/mw_kernels.h"
#include "../include/mw_pool.h"
#include "half_floats.h"

/// Multiply-adds that are worth waking a thread for.
#define BAND_WORK ((ptrdiff_t)1 << 18)

/// Rows of a band are a multiple of this: the height of a block of 16-bit floats, and of several rows in other types.
#define BAND_UNIT 64

#define MW_NAME multiply_f64
#define MW_ELEMENT double
#define MW_SUM double
#include "product_plain_body.h"

// Unsigned sums wrap around, and give the bits of a signed result too.
#define MW_NAME multiply_i8
#define MW_ELEMENT uint8_t
#define MW_SUM uint32_t
#include "product_plain_body.h"

#define MW_NAME multiply_i16
#define MW_ELEMENT uint16_t
#define MW_SUM uint32_t
#include "product_plain_body.h"

#define MW_NAME multiply_i32
#define MW_ELEMENT uint32_t
#define MW_SUM uint32_t
#include "product_plain_body.h"

#define MW_NAME multiply_i64
#define MW_ELEMENT uint64_t
#define MW_SUM uint64_t
#include "product_plain_body.h"

/// Widens a block [rows, columns] with free strides.
static void widen(
    mw_dtype dtype, float *out, ptrdiff_t rows, ptrdiff_t columns, const uint16_t *a, ptrdiff_t row_stride,
    ptrdiff_t column_stride) {
    for (ptrdiff_t i = 0; i < rows; i++) {
        for (ptrdiff_t j = 0; j < columns; j++) {
            const uint16_t bits = a[i * row_stride + j * column_stride];
            out[i * columns + j] = dtype == MW_DTYPE_BF16 ? mw_from_bf16(bits) : mw_from_f16(bits);
        }
    }
}

static void multiply_16_bit_floats(const mw_product *product, uint16_t *c, const uint16_t *a, const uint16_t *b) {
    enum { rows = BAND_UNIT, columns = 128, depth = 256 };
    _Alignas(64) float a_block[rows * depth], b_block[depth * columns], sums[rows * columns];
    const ptrdiff_t m = product->m, n = product->n, k = product->k;
    const mw_dtype dtype = product->dtype;
    for (ptrdiff_t column = 0; column < n; column += columns) {
        const ptrdiff_t width = n - column < columns ? n - column : columns;
        for (ptrdiff_t row = 0; row < m; row += rows) {
            const ptrdiff_t height = m - row < rows ? m - row : rows;
            uint16_t *target = c + row * product->c_row_stride + column;
            if (product->accumulate) {
                widen(dtype, sums, height, width, target, product->c_row_stride, 1);
            }
            for (ptrdiff_t p = 0; p < k || p == 0; p += depth) {
                const ptrdiff_t terms = k - p < depth ? k - p : depth;
                widen(
                    dtype, a_block, height, terms, a + row * product->a_row_stride + p * product->a_column_stride,
                    product->a_row_stride, product->a_column_stride);
                widen(
                    dtype, b_block, terms, width, b + p * product->b_row_stride + column * product->b_column_stride,
                    product->b_row_stride, product->b_column_stride);
                mw_active_kernels()->matrix.gemm_f32(
                    height, width, terms, a_block, terms, 1, b_block, width, 1, sums, width,
                    product->accumulate || p > 0, 1);
            }
            for (ptrdiff_t i = 0; i < height; i++) {
                for (ptrdiff_t j = 0; j < width; j++) {
                    const float sum = sums[i * width + j];
                    target[i * product->c_row_stride + j] = dtype == MW_DTYPE_BF16 ? mw_to_bf16(sum) : mw_to_f16(sum);
                }
            }
        }
    }
}

static void multiply_rows(const mw_product *product, void *c, const void *a, const void *b) {
#define MW_MULTIPLY(function)                                                                                         \
    function(                                                                                                          \
        product->m, product->n, product->k, a, product->a_row_stride, product->a_column_stride, b,                     \
        product->b_row_stride, product->b_column_stride, c, product->c_row_stride, product->accumulate)
    switch (product->dtype) {
    case MW_DTYPE_F64: MW_MULTIPLY(multiply_f64); break;
    case MW_DTYPE_I8:
    case MW_DTYPE_U8: MW_MULTIPLY(multiply_i8); break;
    case MW_DTYPE_I16:
    case MW_DTYPE_U16: MW_MULTIPLY(multiply_i16); break;
    case MW_DTYPE_I32:
    case MW_DTYPE_U32: MW_MULTIPLY(multiply_i32); break;
    case MW_DTYPE_I64:
    case MW_DTYPE_U64: MW_MULTIPLY(multiply_i64); break;
    case MW_DTYPE_BF16:
    case MW_DTYPE_F16: multiply_16_bit_floats(product, c, a, b); break;
    case MW_DTYPE_F32:
    case MW_DTYPE_BOOL: break;
    }
#undef MW_MULTIPLY
}

typedef struct product_bands {
    const mw_product *product;
    char *c;
    const char *a;
    const void *b;
    ptrdiff_t rows;
} product_bands;

static void multiply_band(void *context, ptrdiff_t band) {
    const product_bands *bands = context;
    mw_product part = *bands->product;
    const ptrdiff_t size = mw_dtype_size(part.dtype);
    const ptrdiff_t row = band * bands->rows;
    part.m = part.m - row < bands->rows ? part.m - row : bands->rows;
    multiply_rows(
        &part, bands->c + row * part.c_row_stride * size, bands->a + row * part.a_row_stride * size, bands->b);
}

void mw_multiply_plain(const mw_product *product, void *c, const void *a, const void *b, ptrdiff_t budget) {
    const ptrdiff_t row_work = product->n * (product->k > 0 ? product->k : 1);
    const ptrdiff_t rows = row_work >= BAND_WORK ? 1 : BAND_WORK / row_work;
    product_bands bands = {.product = product, .c = c, .a = a, .b = b};
    bands.rows = (rows + BAND_UNIT - 1) / BAND_UNIT * BAND_UNIT;
    mw_parallel_for((product->m + bands.rows - 1) / bands.rows, budget, multiply_band, &bands);
}
