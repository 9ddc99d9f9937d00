// Random kernels: the AVX2 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx2
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "normal_math.h"
#include "random_work.h"
#include "threefry.h"

#if MW_HAS_X86_PATHS
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "random_kernels.h"
#include "distribution_kernels.h"
#include "gamma_kernels.h"
#pragma clang attribute pop
#endif
