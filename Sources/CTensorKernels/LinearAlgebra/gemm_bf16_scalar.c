// Products of bf16 matrices, summed in f32: the portable path widens.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

typedef uint16_t left_element, right_element;
typedef float sum_element, packed_left, packed_right;
#include "gemm_multiply_add.h"
#include "gemm_tile_portable.h"
#define widen_left mw_f32_of_bf16
#define widen_right mw_f32_of_bf16
#include "gemm_widening.h"
#include "gemm_streaming_elements.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_bf16)
