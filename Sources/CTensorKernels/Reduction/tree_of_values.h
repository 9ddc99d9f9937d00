// A tree whose operation and type are defined; in the files of the reductions (MW_TREE_WALKS) with the walks over
// strided elements.
#include "reduction_tree.h"
#ifdef MW_TREE_WALKS
#include "reduction_walks.h"
#endif
#undef MW_TREE
#undef MW_TREE_VALUE
#undef MW_TREE_LANES
#undef MW_TREE_UNALIGNED
#undef MW_TREE_IDENTITY
#undef MW_TREE_COMBINE
#undef MW_TREE_COMBINE_LANES
