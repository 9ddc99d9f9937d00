// Products of f64 matrices: the AVX-512 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)

typedef double left_element, right_element, sum_element, packed_left, packed_right;
#define MW_GEMM_SUM f64
#include "gemm_lanes_avx512.h"
#include "gemm_multiply_add.h"
#include "gemm_tile_avx512.h"
#include "gemm_transpose_avx512.h"
#include "gemm_plain.h"
#include "gemm_streaming_elements.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_f64)
#pragma clang attribute pop
#endif
