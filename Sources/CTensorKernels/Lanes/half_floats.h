// Rows of 16-bit floats, widened to f32 and rounded back.
#ifndef MESHWORK_HALF_FLOATS_H
#define MESHWORK_HALF_FLOATS_H

#include "../Math/half_precision.h"
#include "../include/mw_types.h"

/// `count` 16-bit floats, `stride` apart, as f32 side by side.
static inline void mw_widen(mw_dtype dtype, ptrdiff_t count, float *out, const uint16_t *a, ptrdiff_t stride) {
    if (dtype == MW_DTYPE_BF16) {
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = mw_f32_of_bf16(a[i * stride]);
        }
    } else {
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = mw_f32_of_f16(a[i * stride]);
        }
    }
}

/// `count` f32 rounded to 16-bit floats side by side.
static inline void mw_round(mw_dtype dtype, ptrdiff_t count, uint16_t *out, const float *a) {
    if (dtype == MW_DTYPE_BF16) {
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = mw_bf16_of_f32(a[i]);
        }
    } else {
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = mw_f16_of_f32(a[i]);
        }
    }
}

#endif
