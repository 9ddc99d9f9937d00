// The tree of f32 sums; see reduction_tree.h.
#define MW_TREE(name) sum_##name
#define MW_TREE_IDENTITY 0.0f
#define MW_TREE_COMBINE(x, y) MW_SUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_SUM(x, y)
#include "tree_f32.h"
