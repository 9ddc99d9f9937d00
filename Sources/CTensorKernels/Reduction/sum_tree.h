// The tree of sums; see reduction_tree.h.
#define MW_TREE(name) sum_##name
#define MW_TREE_IDENTITY 0.0f
#define MW_TREE_COMBINE(x, y) MW_SUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_SUM(x, y)
#include "reduction_tree.h"
#ifdef MW_TREE_WALKS
#include "reduction_walks.h"
#endif
#undef MW_TREE
#undef MW_TREE_IDENTITY
#undef MW_TREE_COMBINE
#undef MW_TREE_COMBINE_LANES
