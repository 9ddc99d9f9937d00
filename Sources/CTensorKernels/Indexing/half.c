// 16-bit floats to f32 and back, for what is added up in f32 and rounded once. Portable: no instruction set is needed.
#pragma STDC FP_CONTRACT OFF

#include "../Elementwise/float_math.h"
#include "../include/mw_indexing.h"

/// The exponent moves by 112; what is subnormal in 16 bits is normal in 32, which a multiplication finds out.
static inline float widened_f16(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
    const float finite = mw_float_of(magnitude) * 0x1p112f;
    const uint32_t bits = magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : mw_bits_of(finite);
    return mw_float_of(bits | sign);
}

static inline uint16_t narrowed_f16(float value) {
    const uint32_t bits = mw_bits_of(value);
    const uint32_t sign = bits >> 16 & 0x8000;
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    }
    // From half a step above the largest finite value on.
    if (magnitude >= 0x477ff000u) {
        return (uint16_t)(sign | 0x7c00);
    }
    if (magnitude < 0x38800000u) {
        // 0.5 has its last bit where a subnormal f16 has it: the addition rounds.
        return (uint16_t)(sign | (mw_bits_of(mw_float_of(magnitude) + 0.5f) - 0x3f000000u));
    }
    const uint32_t rounded = magnitude - 0x38000000u + 0x0fff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | rounded >> 13);
}

static inline uint16_t narrowed_bf16(float value) {
    const uint32_t bits = mw_bits_of(value);
    if ((bits & 0x7fffffff) > 0x7f800000u) {
        return (uint16_t)(bits >> 16 | 0x0040);
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void mw_widen_16(mw_dtype dtype, ptrdiff_t count, float *out, const uint16_t *a) {
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = dtype == MW_DTYPE_BF16 ? mw_float_of((uint32_t)a[i] << 16) : widened_f16(a[i]);
    }
}

void mw_narrow_16(mw_dtype dtype, ptrdiff_t count, uint16_t *out, const float *a) {
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = dtype == MW_DTYPE_BF16 ? narrowed_bf16(a[i]) : narrowed_f16(a[i]);
    }
}
