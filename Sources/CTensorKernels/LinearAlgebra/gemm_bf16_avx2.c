// Products of bf16 matrices, summed in f32: the AVX2 path widens.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx2
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

typedef uint16_t left_element, right_element;
typedef float sum_element, packed_left, packed_right;
#define MW_GEMM_SUM f32
#include "gemm_lanes_avx2.h"
#include "gemm_multiply_add.h"
#include "gemm_tile_avx2.h"
#include "gemm_transpose_avx2.h"
#define MW_GEMM_OWN_LOADS 1

MW_ALWAYS_INLINE __m256 load_right_steps(const uint16_t *source) {
    return (__m256)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)source)), 16);
}
#define load_left_steps load_right_steps

#define widen_left mw_f32_of_bf16
#define widen_right mw_f32_of_bf16
#include "gemm_widening.h"
#include "gemm_streaming_elements.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_bf16)
#pragma clang attribute pop
#endif
