// Softmax, cross-entropy and normalisation of rows: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "../Lanes/f32x16_type.h"
#include "row_jobs.h"

#include "../Lanes/f32x16_scalar.h"
#include "../Lanes/f32x16.h"
#include "softmax_kernels.h"
#include "normalize_kernels.h"
