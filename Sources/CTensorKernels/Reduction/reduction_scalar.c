// Reductions: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "../include/mw_pool.h"
#include "lanes.h"
#include "../Math/half_precision.h"

#include <math.h>

#include "reduction_body.h"
