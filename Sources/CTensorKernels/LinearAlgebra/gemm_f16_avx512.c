// Products of f16 matrices, summed in f32: the AVX-512 path widens.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512
#define MW_PATH_HAS_FMA 1
#define MW_PATH_HAS_F16 1
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)

typedef uint16_t left_element, right_element;
typedef float sum_element, packed_left, packed_right;
#define MW_GEMM_SUM f32
#include "gemm_lanes_avx512.h"
#include "gemm_multiply_add.h"
#include "gemm_tile_avx512.h"
#include "gemm_transpose_avx512.h"
#define MW_GEMM_OWN_LOADS 1

MW_ALWAYS_INLINE __m512 load_right_steps(const uint16_t *source) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)source));
}
#define load_left_steps load_right_steps

#define widen_left mw_f32_of_f16
#define widen_right mw_f32_of_f16
#include "gemm_widening.h"
#include "gemm_streaming_elements.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_f16)
#pragma clang attribute pop
#endif
