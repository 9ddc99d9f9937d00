// Products of a u8 and an i8 matrix, summed in i32: the AVX2 path widens to pairs of 16 bits, whose products and
// their sum fit in 32. (The instruction for bytes, VPMADDUBSW, saturates sums at 16.)
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx2
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

typedef uint8_t left_element;
typedef int8_t right_element;
typedef int32_t sum_element;
typedef uint32_t packed_left, packed_right;
#define MW_GEMM_STEP 2
#define MW_GEMM_SUM i32
#define MW_GEMM_OWN_PRODUCT 1
#include "gemm_lanes_avx2.h"

typedef __m256i right_vector;
#define load_right load_sum
#define load_right_lanes load_sum_lanes

MW_ALWAYS_INLINE __m256i multiply_add(__m256i sum, const packed_left *a, __m256i right) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_set1_epi32((int)*a), right));
}

#define add_left_step multiply_add
#define add_right_step multiply_add

MW_ALWAYS_INLINE __m256i load_left_steps(const uint8_t *source) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)source));
}
MW_ALWAYS_INLINE __m256i load_right_steps(const int8_t *source) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)source));
}

#define widen(element) ((uint32_t)(uint16_t)(int16_t)(element))
#define MW_GEMM_GROUP_VECTORS 2
#define MW_GEMM_GROUP_RUN 8

MW_ALWAYS_INLINE __m128i load_columns(const int8_t *b, ptrdiff_t columns) {
    if (columns == 16) {
        return _mm_loadu_si128((const __m128i *)b);
    }
    int8_t some[16] = {0};
    memcpy(some, b, (size_t)columns);
    return _mm_loadu_si128((const __m128i *)some);
}

MW_ALWAYS_INLINE void interleave(
    __m256i *words, const int8_t *b, ptrdiff_t row_stride, int rows, ptrdiff_t columns) {
    const __m128i b0 = load_columns(b, columns);
    const __m128i b1 = rows == 2 ? load_columns(b + row_stride, columns) : _mm_setzero_si128();
    words[0] = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(b0, b1));
    words[1] = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(b0, b1));
}

#include "gemm_tile_avx2.h"
#include "gemm_transpose_avx2.h"
#include "gemm_words.h"
#include "gemm_streaming_words.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_u8i8)
#pragma clang attribute pop
#endif
