// A tree of u64.
#define MW_TREE_VALUE uint64_t
#define MW_TREE_LANES mw_u64_lanes
#define MW_TREE_UNALIGNED mw_unaligned_u64_lanes
#include "tree_of_values.h"
