// Elementwise kernels of two and three operands, and conversions: the AVX-512 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512
#define MW_PATH_HAS_FMA 1
#define MW_PATH_HAS_F16C 1
#include "../Dispatch/kernel_body.h"
#include "binary_math.h"
#include "binary_math_f64.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>
#pragma clang attribute push(                                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#include "staging.h"
#include "conversion_rows.h"
#include "conversion_kernels.h"
#include "binary_rows.h"
#include "binary_kernels.h"
#include "select_kernels.h"
#pragma clang attribute pop
#endif
