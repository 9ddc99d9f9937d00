// Elementwise kernels: the AVX2 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx2
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "../Lanes/f32x16_type.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../Lanes/f32x16_avx2.h"
#include "../Lanes/f32x16.h"
#include "unary_kernels.h"
#pragma clang attribute pop
#endif
