// Products of integer matrices: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#include "gemm_integer.h"
