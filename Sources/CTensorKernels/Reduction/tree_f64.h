// A tree of f64.
#define MW_TREE_VALUE double
#define MW_TREE_LANES mw_f64_lanes
#define MW_TREE_UNALIGNED mw_unaligned_f64_lanes
#include "tree_of_values.h"
