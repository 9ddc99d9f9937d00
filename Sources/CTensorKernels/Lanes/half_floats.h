// 16-bit floats to f32 and back, in integer operations that every path carries out alike and that vectorise.
#ifndef MESHWORK_HALF_FLOATS_H
#define MESHWORK_HALF_FLOATS_H

#include "../Elementwise/float_math.h"
#include "../include/mw_types.h"

MW_ALWAYS_INLINE float mw_widened_bf16(uint16_t half) { return mw_float_of((uint32_t)half << 16); }

/// To nearest, ties to even; a NaN stays one.
MW_ALWAYS_INLINE uint16_t mw_rounded_bf16(float x) {
    const uint32_t bits = mw_bits_of(x);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
    return (uint16_t)(x != x ? bits >> 16 | 0x40u : rounded);
}

MW_ALWAYS_INLINE float mw_widened_f16(uint16_t half) {
    const uint32_t magnitude = half & 0x7fffu;
    // The exponent's bias grows by 112; once more for infinities and NaN, whose exponent is all ones.
    uint32_t bits = (magnitude << 13) + (112u << 23) + (magnitude >= 0x7c00u ? 112u << 23 : 0);
    bits = magnitude < 0x400u ? mw_bits_of((float)(int32_t)magnitude * 0x1p-24f) : bits;
    return mw_float_of(bits | (uint32_t)(half & 0x8000u) << 16);
}

/// To nearest, ties to even; what is too large becomes an infinity, and a NaN stays one.
MW_ALWAYS_INLINE uint16_t mw_rounded_f16(float x) {
    const uint32_t magnitude = mw_bits_of(x) & 0x7fffffffu;
    const uint32_t normal = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1)) >> 13;
    // The sum's last bit is worth 2^-24, the smallest f16: the addition rounds.
    const uint32_t subnormal = mw_bits_of(mw_float_of(magnitude) + 0.5f) - 0x3f000000u;
    uint32_t result = magnitude < 0x38800000u ? subnormal : normal;
    result = magnitude >= 0x47800000u ? 0x7c00u : result;
    result = magnitude > 0x7f800000u ? 0x7e00u : result;
    return (uint16_t)(result | (mw_bits_of(x) >> 16 & 0x8000u));
}

/// `count` 16-bit floats, `stride` apart, as f32 side by side.
static inline void mw_widen(mw_dtype dtype, ptrdiff_t count, float *out, const uint16_t *a, ptrdiff_t stride) {
    if (dtype == MW_DTYPE_BF16) {
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = mw_widened_bf16(a[i * stride]);
        }
    } else {
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = mw_widened_f16(a[i * stride]);
        }
    }
}

/// `count` f32 rounded to 16-bit floats side by side.
static inline void mw_round(mw_dtype dtype, ptrdiff_t count, uint16_t *out, const float *a) {
    if (dtype == MW_DTYPE_BF16) {
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = mw_rounded_bf16(a[i]);
        }
    } else {
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = mw_rounded_f16(a[i]);
        }
    }
}

#endif
