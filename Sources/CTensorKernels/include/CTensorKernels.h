// The C floor of Meshwork's tensors: kernels chosen at run time by instruction set, the storage allocator,
// and the compute pool's threads.
//
// Conventions that hold in every header:
//  - Counts, shapes and strides are `ptrdiff_t` (Swift: Int). Strides count elements, may be negative or zero.
//  - Pointers are never null unless marked; for zero elements nothing is read or written through them.
//  - Nothing here checks indices or shapes against an allocation: the caller has done so, and throws if need be.
//  - `out` may be the very same pointer as an input whose strides are the contiguous ones (in-place use);
//    any other overlap of `out` with an input is undefined.
//  - Floating-point contraction is off everywhere and fused operations are spelt out on every path, so that all
//    results but those of products, convolutions and attention have the same bits on every instruction set (a NaN's
//    sign and payload aside).
#ifndef MESHWORK_CTENSORKERNELS_H
#define MESHWORK_CTENSORKERNELS_H

#include "mw_allocator.h"
#include "mw_factorization.h"
#include "mw_indexing.h"
#include "mw_kernels.h"
#include "mw_pool.h"
#include "mw_processor_count.h"
#include "mw_product.h"
#include "mw_sorting.h"

#endif
