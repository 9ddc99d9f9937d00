// Products of bf16 matrices, summed in f32: AVX-512 with BF16 multiplies pairs.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512bf16
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)

typedef uint16_t left_element, right_element;
typedef float sum_element;
typedef uint32_t packed_left, packed_right;
#define MW_GEMM_STEP 2
#define MW_GEMM_DOT_GROUPS 2
#define MW_GEMM_FEW_ROWS 4
#define MW_GEMM_SUM f32
#define MW_GEMM_OWN_PRODUCT 1
#include "gemm_lanes_avx512.h"

typedef __m512i right_vector;

MW_ALWAYS_INLINE __m512i load_right(const packed_right *b, lanes m) { return _mm512_maskz_loadu_epi32(m, b); }

MW_ALWAYS_INLINE __m512 multiply_add(__m512 sum, const packed_left *a, __m512i right) {
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32((int)*a), (__m512bh)right);
}

MW_ALWAYS_INLINE right_vector load_right_steps(const void *source) { return _mm512_loadu_si512(source); }
#define load_left_steps load_right_steps
#define add_left_step multiply_add
#define add_right_step multiply_add

MW_ALWAYS_INLINE uint32_t widen(uint16_t element) { return element; }

#define MW_GEMM_GROUP_VECTORS 2
#define MW_GEMM_GROUP_RUN 4

MW_ALWAYS_INLINE void interleave(
    __m512i *words, const uint16_t *b, ptrdiff_t row_stride, int rows, ptrdiff_t columns) {
    const __mmask32 exist = 0xffffffff >> (32 - columns);
    const __m512i b0 = _mm512_maskz_loadu_epi16(exist, b);
    const __m512i b1 = rows == 2 ? _mm512_maskz_loadu_epi16(exist, b + row_stride) : _mm512_setzero_si512();
    words[0] = _mm512_unpacklo_epi16(b0, b1);
    words[1] = _mm512_unpackhi_epi16(b0, b1);
}

#include "gemm_tile_avx512.h"
#include "gemm_transpose_avx512.h"
#include "gemm_words.h"
#include "gemm_streaming_words.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_bf16)
#pragma clang attribute pop
#endif
