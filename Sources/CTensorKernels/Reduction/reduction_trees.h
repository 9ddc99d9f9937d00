// The trees of reductions over axes: every operation and every type in which it is computed. Those of f32 sums and
// maxima, which softmax needs too, have files of their own.
#include "sum_tree.h"
#include "maximum_tree.h"

#define MW_TREE(name) sum_f64_##name
#define MW_TREE_IDENTITY 0.0
#define MW_TREE_COMBINE(x, y) MW_SUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_SUM(x, y)
#include "tree_f64.h"

#define MW_TREE(name) sum_u64_##name
#define MW_TREE_IDENTITY 0
#define MW_TREE_COMBINE(x, y) MW_SUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_SUM(x, y)
#include "tree_u64.h"

#define MW_TREE(name) product_##name
#define MW_TREE_IDENTITY 1.0f
#define MW_TREE_COMBINE(x, y) MW_PRODUCT(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_PRODUCT(x, y)
#include "tree_f32.h"

#define MW_TREE(name) product_f64_##name
#define MW_TREE_IDENTITY 1.0
#define MW_TREE_COMBINE(x, y) MW_PRODUCT(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_PRODUCT(x, y)
#include "tree_f64.h"

#define MW_TREE(name) product_u64_##name
#define MW_TREE_IDENTITY 1
#define MW_TREE_COMBINE(x, y) MW_PRODUCT(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_PRODUCT(x, y)
#include "tree_u64.h"

#define MW_TREE(name) maximum_f64_##name
#define MW_TREE_IDENTITY (-__builtin_inf())
#define MW_TREE_COMBINE(x, y) MW_MAXIMUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_MAXIMUM_LANES(x, y)
#include "tree_f64.h"

#define MW_TREE(name) maximum_i64_##name
#define MW_TREE_IDENTITY INT64_MIN
#define MW_TREE_COMBINE(x, y) MW_MAXIMUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_MAXIMUM_LANES(x, y)
#include "tree_i64.h"

#define MW_TREE(name) maximum_u64_##name
#define MW_TREE_IDENTITY 0
#define MW_TREE_COMBINE(x, y) MW_MAXIMUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_MAXIMUM_LANES(x, y)
#include "tree_u64.h"

#define MW_TREE(name) minimum_##name
#define MW_TREE_IDENTITY __builtin_inff()
#define MW_TREE_COMBINE(x, y) MW_MINIMUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_MINIMUM_LANES(x, y)
#include "tree_f32.h"

#define MW_TREE(name) minimum_f64_##name
#define MW_TREE_IDENTITY __builtin_inf()
#define MW_TREE_COMBINE(x, y) MW_MINIMUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_MINIMUM_LANES(x, y)
#include "tree_f64.h"

#define MW_TREE(name) minimum_i64_##name
#define MW_TREE_IDENTITY INT64_MAX
#define MW_TREE_COMBINE(x, y) MW_MINIMUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_MINIMUM_LANES(x, y)
#include "tree_i64.h"

#define MW_TREE(name) minimum_u64_##name
#define MW_TREE_IDENTITY UINT64_MAX
#define MW_TREE_COMBINE(x, y) MW_MINIMUM(x, y)
#define MW_TREE_COMBINE_LANES(x, y) MW_MINIMUM_LANES(x, y)
#include "tree_u64.h"
