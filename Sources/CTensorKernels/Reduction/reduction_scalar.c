// Reductions: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "../include/mw_indexing.h"
#include "lanes.h"

#define MW_TREE_WALKS
#include "sum_tree.h"
#include "maximum_tree.h"
#include "reduction_kernels.h"
