// Random kernels: the AVX-512 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "normal_math.h"
#include "random_work.h"
#include "threefry.h"

#if MW_HAS_X86_PATHS
#pragma clang attribute push(                                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include "random_kernels.h"
#include "distribution_kernels.h"
#include "gamma_kernels.h"
#pragma clang attribute pop
#endif
