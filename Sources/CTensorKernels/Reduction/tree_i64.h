// A tree of i64.
#define MW_TREE_VALUE int64_t
#define MW_TREE_LANES mw_i64_lanes
#define MW_TREE_UNALIGNED mw_unaligned_i64_lanes
#include "tree_of_values.h"
