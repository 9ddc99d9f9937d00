#ifndef MESHWORK_LINEAR_ALGEBRA_PRODUCT_H
#define MESHWORK_LINEAR_ALGEBRA_PRODUCT_H

#include "../include/mw_product.h"

/// One product of a batch, by the table in use. No more than `budget` threads take part (0: as `mw_parallel_for`).
void mw_multiply_one(const mw_product *product, void *c, const void *a, const void *b, ptrdiff_t budget)
    __attribute__((visibility("hidden")));

#endif
