// Optimizer kernels: the AVX2 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx2
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"

#if MW_HAS_X86_PATHS
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "adagrad_kernel.h"
#include "adam_kernel.h"
#include "ftrl_kernel.h"
#include "momentum_kernel.h"
#include "rmsprop_kernel.h"
#include "sgd_kernel.h"
#pragma clang attribute pop
#endif
