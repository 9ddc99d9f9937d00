// What the reductions of a path are made of, in the order in which the parts need each other.

/// A long reduction is cut into pieces of this many elements, or of a larger power of two where that makes more than
/// the largest number of pieces.
#define MW_SMALLEST_PIECE 65536
#define MW_MAXIMUM_PIECES 256

#include "reduction_source.h"
#define MW_TREE_WALKS
#include "reduction_trees.h"
#include "reduction_results.h"
#include "reduction_kernels.h"
#include "extreme_kernels.h"
