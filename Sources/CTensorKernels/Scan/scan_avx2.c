// Scanning kernels: the AVX2 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx2
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "../Reduction/lanes.h"
#include "../Math/half_precision.h"
#include "../include/mw_pool.h"

#include <math.h>

#if MW_HAS_X86_PATHS
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "scan_kernels.h"
#include "cumulate_kernels.h"
#pragma clang attribute pop
#endif
