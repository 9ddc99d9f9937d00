// Products of matrices of one element type, whichever it is.
#pragma STDC FP_CONTRACT OFF

#include "../Dispatch/kernel_path.h"
#include "../Elementwise/float_math.h"
#include "../include/mw_allocator.h"

/// To the nearest bf16, ties to even; a NaN stays one.
MW_ALWAYS_INLINE uint16_t round_to_bf16(float x) {
    const uint32_t bits = mw_bits_of(x);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
    return (uint16_t)(x != x ? bits >> 16 | 0x40 : rounded);
}

/// To the nearest f16, ties to even; a NaN stays one.
MW_ALWAYS_INLINE uint16_t round_to_f16(float x) {
    const uint32_t sign = mw_bits_of(x) >> 16 & 0x8000;
    const uint32_t bits = mw_bits_of(x) & 0x7fffffffu;
    // Rebased to f16's exponents, with half of the last place added, and the last place itself for a tie.
    const uint32_t normal = (bits - ((127u - 15) << 23) + 0xfff + (bits >> 13 & 1)) >> 13;
    // Beside one half, whose last place is 2^-24 as that of a subnormal f16, the addition rounds.
    const uint32_t subnormal = mw_bits_of(mw_float_of(bits) + 0.5f) - mw_bits_of(0.5f);
    const uint32_t finite = bits < (127u - 14) << 23 ? subnormal : normal;
    // From 65,520 on, infinity is the nearest.
    const uint32_t magnitude = bits > 0x7f800000u ? 0x7e00 : bits >= 0x477ff000u ? 0x7c00 : finite;
    return (uint16_t)(sign | magnitude);
}

/// Rows of a 16-bit product that are summed in f32 at once.
static const ptrdiff_t rows_at_once = 240;

/// A 16-bit product, some rows at a time in f32.
static bool multiply_halves(
    mw_dtype dtype, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const uint16_t *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const uint16_t *b, ptrdiff_t b_row_stride, ptrdiff_t b_column_stride, uint16_t *c,
    ptrdiff_t c_row_stride, ptrdiff_t thread_budget) {
    const mw_matrix_kernels *kernels = &mw_active_kernels()->matrix;
    const size_t bytes = (size_t)(n * (m < rows_at_once ? m : rows_at_once)) * sizeof(float);
    float *sums = mw_storage_allocate(bytes);
    if (sums == NULL) {
        return false;
    }
    for (ptrdiff_t row = 0; row < m; row += rows_at_once) {
        const ptrdiff_t rows = m - row < rows_at_once ? m - row : rows_at_once;
        (dtype == MW_DTYPE_BF16 ? kernels->gemm_bf16 : kernels->gemm_f16)(
            rows, n, k, a + row * a_row_stride, a_row_stride, a_column_stride, b, b_row_stride, b_column_stride, sums,
            n, false, thread_budget);
        for (ptrdiff_t i = 0; i < rows; i++) {
            const float *source = sums + i * n;
            uint16_t *out = c + (row + i) * c_row_stride;
            if (dtype == MW_DTYPE_BF16) {
                for (ptrdiff_t j = 0; j < n; j++) {
                    out[j] = round_to_bf16(source[j]);
                }
            } else {
                for (ptrdiff_t j = 0; j < n; j++) {
                    out[j] = round_to_f16(source[j]);
                }
            }
        }
    }
    mw_storage_release(sums, bytes);
    return true;
}

bool mw_matrix_product(
    mw_dtype dtype, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const void *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const void *b, ptrdiff_t b_row_stride, ptrdiff_t b_column_stride, void *c,
    ptrdiff_t c_row_stride, ptrdiff_t thread_budget) {
    const mw_matrix_kernels *kernels = &mw_active_kernels()->matrix;
    switch (dtype) {
    case MW_DTYPE_F32:
        kernels->gemm_f32(
            m, n, k, a, a_row_stride, a_column_stride, b, b_row_stride, b_column_stride, c, c_row_stride, false,
            thread_budget);
        return true;
    case MW_DTYPE_F64:
        kernels->gemm_f64(
            m, n, k, a, a_row_stride, a_column_stride, b, b_row_stride, b_column_stride, c, c_row_stride, false,
            thread_budget);
        return true;
    case MW_DTYPE_BF16:
    case MW_DTYPE_F16:
        return multiply_halves(
            dtype, m, n, k, a, a_row_stride, a_column_stride, b, b_row_stride, b_column_stride, c, c_row_stride,
            thread_budget);
    default:
        kernels->gemm_integer(
            dtype, m, n, k, a, a_row_stride, a_column_stride, b, b_row_stride, b_column_stride, c, c_row_stride, false,
            thread_budget);
        return true;
    }
}
