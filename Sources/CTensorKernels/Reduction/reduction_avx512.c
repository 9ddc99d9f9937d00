// Reductions: the AVX-512 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "../include/mw_pool.h"
#include "lanes.h"
#include "../Math/half_precision.h"

#include <math.h>

#if MW_HAS_X86_PATHS
#pragma clang attribute push(                                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include "reduction_body.h"
#pragma clang attribute pop
#endif
