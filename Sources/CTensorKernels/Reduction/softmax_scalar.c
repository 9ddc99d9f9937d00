// Softmax and cross-entropy: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "lanes.h"

#include "sum_tree.h"
#include "maximum_tree.h"
#include "softmax_kernels.h"
