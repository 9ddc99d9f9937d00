// Convolutions: the AVX2 path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH avx2
#define MW_PATH_HAS_FMA 1
#include "../Dispatch/kernel_body.h"
#include "../Lanes/f32x16_type.h"
#include "convolution_plan.h"

typedef float tile_vector __attribute__((vector_size(32)));
#define MW_TILE_ROWS 6

#if MW_HAS_X86_PATHS
#include <immintrin.h>
#include "convolution_f64.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../Lanes/f32x16_avx2.h"
#include "../Lanes/f32x16.h"
#include "../Lanes/transpose16.h"

static inline void store_tile_vector(float *to, __m256 value, ptrdiff_t count) {
    _mm256_maskstore_ps(to, first_of_eight(count), value);
}

#include "convolution_tile.h"
#include "convolution_packing.h"
#include "convolution_kernels.h"
#include "weight_gradient_kernels.h"
#pragma clang attribute pop
#endif
