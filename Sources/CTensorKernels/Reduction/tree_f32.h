// A tree of f32: sum_tree.h and its kin define the operation and include this.
#define MW_TREE_VALUE float
#define MW_TREE_LANES mw_lanes
#define MW_TREE_UNALIGNED mw_unaligned_lanes
#include "tree_of_values.h"
