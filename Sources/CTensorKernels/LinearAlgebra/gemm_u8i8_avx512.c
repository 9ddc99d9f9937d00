// Products of a u8 and an i8 matrix, summed in i32: the AVX-512 path widens to pairs of 16 bits, whose products and
// their sum fit in 32. (The instruction for bytes, VPMADDUBSW, saturates sums at 16.)
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)

typedef uint8_t left_element;
typedef int8_t right_element;
typedef int32_t sum_element;
typedef uint32_t packed_left, packed_right;
#define MW_GEMM_STEP 2
#define MW_GEMM_SUM i32
#define MW_GEMM_OWN_PRODUCT 1
#include "gemm_lanes_avx512.h"

typedef __m512i right_vector;
#define load_right load_sum

MW_ALWAYS_INLINE __m512i multiply_add(__m512i sum, const packed_left *a, __m512i right) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_set1_epi32((int)*a), right));
}

#define add_left_step multiply_add
#define add_right_step multiply_add

MW_ALWAYS_INLINE __m512i load_left_steps(const uint8_t *source) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)source));
}
MW_ALWAYS_INLINE __m512i load_right_steps(const int8_t *source) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)source));
}

#define widen(element) ((uint32_t)(uint16_t)(int16_t)(element))
#define MW_GEMM_GROUP_VECTORS 2
#define MW_GEMM_GROUP_RUN 8

MW_ALWAYS_INLINE void interleave(
    __m512i *words, const int8_t *b, ptrdiff_t row_stride, int rows, ptrdiff_t columns) {
    const __mmask32 exist = 0xffffffff >> (32 - columns);
    const __m256i b0 = _mm256_maskz_loadu_epi8(exist, b);
    const __m256i b1 = rows == 2 ? _mm256_maskz_loadu_epi8(exist, b + row_stride) : _mm256_setzero_si256();
    words[0] = _mm512_cvtepi8_epi16(_mm256_unpacklo_epi8(b0, b1));
    words[1] = _mm512_cvtepi8_epi16(_mm256_unpackhi_epi8(b0, b1));
}

#include "gemm_tile_avx512.h"
#include "gemm_transpose_avx512.h"
#include "gemm_words.h"
#include "gemm_streaming_words.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_u8i8)
#pragma clang attribute pop
#endif
