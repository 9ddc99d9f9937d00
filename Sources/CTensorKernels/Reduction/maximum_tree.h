// The tree of f32 maxima; see reduction_tree.h.
#define MW_TREE(name) maximum_##name
#define MW_TREE_IDENTITY mw_float_of(0xff800000u)
#define MW_TREE_COMBINE(x, y) MW_MAXIMUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_MAXIMUM_LANES(x, y)
#include "tree_f32.h"
