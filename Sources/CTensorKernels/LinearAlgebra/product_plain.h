#ifndef MESHWORK_PRODUCT_PLAIN_H
#define MESHWORK_PRODUCT_PLAIN_H

#include "../include/mw_product.h"

/// One product in a type that has no tiles of its own: f64, integers and 16-bit floats.
///
/// An f64 element is the sum over k in order; 16-bit elements are widened block by block and multiplied in f32 by blocks
/// of 256. No more than `budget` threads take part (0: the pool's width), in bands of rows.
void mw_multiply_plain(const mw_product *product, void *c, const void *a, const void *b, ptrdiff_t budget)
    __attribute__((visibility("hidden")));

#endif
