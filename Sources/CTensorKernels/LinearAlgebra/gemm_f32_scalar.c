// Products of f32 matrices: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

typedef float left_element, right_element, sum_element, packed_left, packed_right;
#include "gemm_multiply_add.h"
#include "gemm_tile_portable.h"
#include "gemm_plain.h"
#include "gemm_streaming_elements.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_f32)
