// Scanning kernels: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "../Reduction/lanes.h"
#include "../Math/half_precision.h"
#include "../include/mw_pool.h"

#include <math.h>

#include "scan_kernels.h"
#include "cumulate_kernels.h"
