// 16-bit floats to f32 and back, for what is added up in f32 and rounded once. Portable: no instruction set is needed.
#pragma STDC FP_CONTRACT OFF

#include "../Lanes/half_floats.h"
#include "../include/mw_indexing.h"

void mw_widen_16(mw_dtype dtype, ptrdiff_t count, float *out, const uint16_t *a) { mw_widen(dtype, count, out, a, 1); }

void mw_narrow_16(mw_dtype dtype, ptrdiff_t count, uint16_t *out, const float *a) { mw_round(dtype, count, out, a); }
