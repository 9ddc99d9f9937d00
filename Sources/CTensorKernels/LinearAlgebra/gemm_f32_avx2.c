// Products of f32 matrices: the AVX2 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx2
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

typedef float left_element, right_element, sum_element, packed_left, packed_right;
#define MW_GEMM_SUM f32
#include "gemm_lanes_avx2.h"
#define MW_GEMM_PACKS_TRANSPOSED_ROWS 1
#include "gemm_multiply_add.h"
#include "gemm_tile_avx2.h"
#include "gemm_transpose_avx2.h"
#include "gemm_plain.h"
#include "gemm_streaming_elements.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_f32)
#pragma clang attribute pop
#endif
