// Random kernels: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "normal_math.h"
#include "random_work.h"
#include "threefry.h"

#include "random_kernels.h"
#include "distribution_kernels.h"
#include "gamma_kernels.h"
