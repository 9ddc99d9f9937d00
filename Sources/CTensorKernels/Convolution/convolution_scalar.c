// Convolutions: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "../Lanes/f32x16_type.h"
#include "convolution_f64.h"
#include "convolution_plan.h"

typedef float tile_vector __attribute__((vector_size(16)));
#define MW_TILE_ROWS 4

#include "../Lanes/f32x16_scalar.h"
#include "../Lanes/f32x16.h"
#include "../Lanes/transpose16.h"

static inline void store_tile_vector(float *to, tile_vector value, ptrdiff_t count) {
    memcpy(to, &value, (size_t)count * sizeof(float));
}

#include "convolution_tile.h"
#include "convolution_packing.h"
#include "convolution_kernels.h"
#include "weight_gradient_kernels.h"
