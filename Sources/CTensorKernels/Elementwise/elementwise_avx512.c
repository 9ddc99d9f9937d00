// Elementwise kernels: the AVX-512 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512
#define MW_PATH_HAS_FMA 1
// AVX-512 F converts f16 itself; AVX2 alone does not.
#define MW_PATH_HAS_F16 1
#include "../Dispatch/kernel_body.h"
#include "../Lanes/f32x16_type.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(                                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include "../Lanes/f32x16_avx512.h"
#include "../Lanes/f32x16.h"
#include "unary_kernels.h"
#pragma clang attribute pop
#endif
