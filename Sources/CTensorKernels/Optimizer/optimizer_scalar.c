// Optimizer kernels: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"

#include "adagrad_kernel.h"
#include "adam_kernel.h"
#include "ftrl_kernel.h"
#include "momentum_kernel.h"
#include "rmsprop_kernel.h"
#include "sgd_kernel.h"
