// Products of a u8 and an i8 matrix, summed in i32: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "gemm_plan.h"

typedef uint8_t left_element;
typedef int8_t right_element;
typedef int32_t sum_element;
typedef int32_t packed_left, packed_right;

/// Integers wrap around, which signed ones do not in C.
MW_ALWAYS_INLINE int32_t multiply_add_one(int32_t x, int32_t y, int32_t sum) {
    return (int32_t)((uint32_t)sum + (uint32_t)x * (uint32_t)y);
}
#define multiply_add(sum, x, y) multiply_add_one(*(x), y, sum)
MW_ALWAYS_INLINE int32_t add_sums(int32_t x, int32_t y) { return (int32_t)((uint32_t)x + (uint32_t)y); }

#define widen_left(element) (element)
#define widen_right(element) (element)
#include "gemm_tile_portable.h"
#include "gemm_widening.h"
#include "gemm_streaming_elements.h"
#include "gemm_driver.h"

MW_GEMM_DEFINE(gemm_u8i8)
