// Products of a u8 and an i8 matrix, summed in i32: AVX-512 with VNNI multiplies bytes by fours, exactly.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512vnni
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"))), apply_to = function)

typedef uint8_t left_element;
typedef int8_t right_element;
typedef int32_t sum_element;
typedef uint32_t packed_left, packed_right;
#define MW_GEMM_STEP 4
#define MW_GEMM_SUM i32
#define MW_GEMM_OWN_PRODUCT 1
#include "gemm_lanes_avx512.h"

typedef __m512i right_vector;
#define load_right load_sum

MW_ALWAYS_INLINE __m512i multiply_add(__m512i sum, const packed_left *a, __m512i right) {
    return _mm512_dpbusd_epi32(sum, _mm512_set1_epi32((int)*a), right);
}

MW_ALWAYS_INLINE right_vector load_right_steps(const void *source) { return _mm512_loadu_si512(source); }
#define load_left_steps load_right_steps

#define add_left_step multiply_add
/// As `multiply_add` where the word at `b` is of b, and the vector's are of a.
MW_ALWAYS_INLINE __m512i add_right_step(__m512i sum, const packed_left *b, __m512i left) {
    return _mm512_dpbusd_epi32(sum, left, _mm512_set1_epi32((int)*b));
}

#define widen(element) ((uint32_t)(uint8_t)(element))
#define MW_GEMM_GROUP_VECTORS 4
#define MW_GEMM_GROUP_RUN 4

MW_ALWAYS_INLINE void interleave(
    __m512i *words, const int8_t *b, ptrdiff_t row_stride, int rows, ptrdiff_t columns) {
    const __mmask64 exist = 0xffffffffffffffff >> (64 - columns);
    const __m512i zero = _mm512_setzero_si512();
    const __m512i b0 = _mm512_maskz_loadu_epi8(exist, b);
    const __m512i b1 = rows > 1 ? _mm512_maskz_loadu_epi8(exist, b + row_stride) : zero;
    const __m512i b2 = rows > 2 ? _mm512_maskz_loadu_epi8(exist, b + 2 * row_stride) : zero;
    const __m512i b3 = rows > 3 ? _mm512_maskz_loadu_epi8(exist, b + 3 * row_stride) : zero;
    const __m512i low01 = _mm512_unpacklo_epi8(b0, b1), high01 = _mm512_unpackhi_epi8(b0, b1);
    const __m512i low23 = _mm512_unpacklo_epi8(b2, b3), high23 = _mm512_unpackhi_epi8(b2, b3);
    words[0] = _mm512_unpacklo_epi16(low01, low23);
    words[1] = _mm512_unpackhi_epi16(low01, low23);
    words[2] = _mm512_unpacklo_epi16(high01, high23);
    words[3] = _mm512_unpackhi_epi16(high01, high23);
}

#include "gemm_tile_avx512.h"
#include "gemm_transpose_avx512.h"
#include "gemm_words.h"
#include "gemm_streaming_words.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_u8i8)
#pragma clang attribute pop
#endif
