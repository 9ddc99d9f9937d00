// Attention: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "../Lanes/f32x16_type.h"
#include "../include/mw_allocator.h"
#include "../include/mw_pool.h"

#include <stdatomic.h>

#include "../Lanes/f32x16_scalar.h"
#include "../Lanes/f32x16.h"
#include "attention_kernels.h"
