// 16-bit floats to f32 and back, for what is added up in f32 and rounded once. Portable: no instruction set is needed.
#pragma STDC FP_CONTRACT OFF

#include "../Math/half_precision.h"
#include "../include/mw_indexing.h"

void mw_widen_16(mw_dtype dtype, ptrdiff_t count, float *out, const uint16_t *a) {
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = dtype == MW_DTYPE_BF16 ? mw_f32_of_bf16(a[i]) : mw_f32_of_f16(a[i]);
    }
}

void mw_narrow_16(mw_dtype dtype, ptrdiff_t count, uint16_t *out, const float *a) {
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = dtype == MW_DTYPE_BF16 ? mw_bf16_of_f32(a[i]) : mw_f16_of_f32(a[i]);
    }
}
