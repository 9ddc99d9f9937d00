#pragma STDC FP_CONTRACT OFF

#include "normal_math.h"
#include "threefry.h"

#include "../include/mw_kernels.h"

void mw_threefry2x32(uint32_t key0, uint32_t key1, uint32_t counter0, uint32_t counter1, uint32_t out[2]) {
    mw_threefry_block(key0, key1, counter0, counter1, &out[0], &out[1]);
}

double mw_standard_normal_quantile(double p) { return mw_normal_quantile(p); }
