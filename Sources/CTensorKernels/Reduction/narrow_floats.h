// 16-bit floats, widened to f32 and rounded back. Included before a path's instructions are turned on.
#ifndef MESHWORK_NARROW_FLOATS_H
#define MESHWORK_NARROW_FLOATS_H

#include "../Elementwise/float_math.h"

MW_ALWAYS_INLINE float bf16_value(uint16_t bits) {
    return mw_float_of((uint32_t)bits << 16);
}

/// Scaled up from the exponent's narrower range, which normalises subnormal numbers too.
MW_ALWAYS_INLINE float f16_value(uint16_t bits) {
    const uint32_t magnitude = (uint32_t)(bits & 0x7fff) << 13;
    const uint32_t finite = mw_bits_of(mw_float_of(magnitude) * 0x1p112f);
    const uint32_t value = magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : finite;
    return mw_float_of(value | (uint32_t)(bits & 0x8000) << 16);
}

/// Ties go to the even neighbour; a NaN stays one.
MW_ALWAYS_INLINE uint16_t bf16_bits(float x) {
    const uint32_t bits = mw_bits_of(x);
    return x != x ? (uint16_t)(bits >> 16 | 0x40) : (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// Rounded once, ties to even. Adding a power of two whose last bit weighs as much as the result's rounds in f32
/// itself.
MW_ALWAYS_INLINE uint16_t f16_bits(float x) {
    const uint32_t bits = mw_bits_of(x);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return sign | 0x7e00;
    }
    if (magnitude >= 0x477ff000u) {
        return sign | 0x7c00;
    }
    if (magnitude < 0x38800000u) {
        return sign | (uint16_t)(mw_bits_of(mw_float_of(magnitude) + 0.5f) - 0x3f000000u);
    }
    return sign | (uint16_t)((magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000u) >> 13);
}

#endif
