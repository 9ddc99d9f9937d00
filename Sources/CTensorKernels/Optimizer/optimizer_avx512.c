// Optimizer kernels: the AVX-512 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx512
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"

#if MW_HAS_X86_PATHS
#pragma clang attribute push(                                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include "adagrad_kernel.h"
#include "adam_kernel.h"
#include "ftrl_kernel.h"
#include "momentum_kernel.h"
#include "rmsprop_kernel.h"
#include "sgd_kernel.h"
#pragma clang attribute pop
#endif
