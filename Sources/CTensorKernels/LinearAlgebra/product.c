// Products of matrices of one element type, whichever it is.
#pragma STDC FP_CONTRACT OFF

#include "../Dispatch/kernel_path.h"
#include "../Math/half_precision.h"
#include "../include/mw_allocator.h"
#include "product.h"

/// A 16-bit product, some rows at a time in f32 and then rounded once.
static void multiply_halves(
    const mw_product *product, uint16_t *c, const uint16_t *a, const uint16_t *b, ptrdiff_t budget) {
    enum { rows_at_once = 240, side = 64 };
    const mw_matrix_kernels *kernels = &mw_active_kernels()->matrix;
    const mw_dtype dtype = product->dtype;
    // Squares on the stack where there is no memory for rows: slower, and the same bits.
    float square[side * side];
    ptrdiff_t height = product->m < rows_at_once ? product->m : rows_at_once;
    ptrdiff_t width = product->n;
    const size_t bytes = (size_t)(height * width) * sizeof(float);
    const bool fits = height * width <= side * side;
    float *sums = fits ? square : mw_storage_allocate(bytes);
    const bool is_allocated = !fits && sums != NULL;
    if (sums == NULL) {
        sums = square;
        height = side;
        width = side;
    }
    for (ptrdiff_t row = 0; row < product->m; row += height) {
        const ptrdiff_t rows = product->m - row < height ? product->m - row : height;
        for (ptrdiff_t column = 0; column < product->n; column += width) {
            const ptrdiff_t columns = product->n - column < width ? product->n - column : width;
            uint16_t *corner = c + row * product->c_row_stride + column;
            for (ptrdiff_t i = 0; product->accumulate && i < rows; i++) {
                for (ptrdiff_t j = 0; j < columns; j++) {
                    const uint16_t bits = corner[i * product->c_row_stride + j];
                    sums[i * columns + j] = dtype == MW_DTYPE_BF16 ? mw_f32_of_bf16(bits) : mw_f32_of_f16(bits);
                }
            }
            (dtype == MW_DTYPE_BF16 ? kernels->gemm_bf16 : kernels->gemm_f16)(
                rows, columns, product->k, a + row * product->a_row_stride, product->a_row_stride,
                product->a_column_stride, b + column * product->b_column_stride, product->b_row_stride,
                product->b_column_stride, sums, columns, product->accumulate, budget);
            for (ptrdiff_t i = 0; i < rows; i++) {
                const float *source = sums + i * columns;
                uint16_t *out = corner + i * product->c_row_stride;
                if (dtype == MW_DTYPE_BF16) {
                    for (ptrdiff_t j = 0; j < columns; j++) {
                        out[j] = mw_bf16_of_f32(source[j]);
                    }
                } else {
                    for (ptrdiff_t j = 0; j < columns; j++) {
                        out[j] = mw_f16_of_f32(source[j]);
                    }
                }
            }
        }
    }
    if (is_allocated) {
        mw_storage_release(sums, bytes);
    }
}

void mw_multiply_one(const mw_product *product, void *c, const void *a, const void *b, ptrdiff_t budget) {
    const mw_matrix_kernels *kernels = &mw_active_kernels()->matrix;
#define MW_PRODUCT_ARGUMENTS                                                                                          \
    product->m, product->n, product->k, a, product->a_row_stride, product->a_column_stride, b, product->b_row_stride,  \
        product->b_column_stride, c, product->c_row_stride, product->accumulate, budget
    switch (product->dtype) {
    case MW_DTYPE_F32: kernels->gemm_f32(MW_PRODUCT_ARGUMENTS); return;
    case MW_DTYPE_F64: kernels->gemm_f64(MW_PRODUCT_ARGUMENTS); return;
    case MW_DTYPE_BF16:
    case MW_DTYPE_F16: multiply_halves(product, c, a, b, budget); return;
    default: kernels->gemm_integer(product->dtype, MW_PRODUCT_ARGUMENTS);
    }
#undef MW_PRODUCT_ARGUMENTS
}
