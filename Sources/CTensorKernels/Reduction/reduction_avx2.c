// Reductions: the AVX2 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx2
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "../include/mw_indexing.h"
#include "lanes.h"

#if MW_HAS_X86_PATHS
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define MW_TREE_WALKS
#include "sum_tree.h"
#include "maximum_tree.h"
#include "reduction_kernels.h"
#pragma clang attribute pop
#endif
