// Matrix products: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

#include "gemm_tile_scalar.h"
#include "gemm_driver.h"
