// Pooling: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "pooling_job.h"

#include "pooling_kernels.h"
