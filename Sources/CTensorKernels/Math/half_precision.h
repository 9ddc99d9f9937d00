// 16-bit floats to f32 and back, in operations that every path carries out alike and that vectorise.
#ifndef MESHWORK_HALF_PRECISION_H
#define MESHWORK_HALF_PRECISION_H

#include "floating_point.h"

/// A bf16 is the upper half of an f32.
MW_ALWAYS_INLINE float mw_f32_of_bf16(uint16_t bits) {
    return mw_float_of((uint32_t)bits << 16);
}

/// To nearest, ties to even; a NaN stays one.
MW_ALWAYS_INLINE uint16_t mw_bf16_of_f32(float x) {
    const uint32_t bits = mw_bits_of(x);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return (uint16_t)(x != x ? (bits >> 16) | 0x40 : rounded);
}

#if defined(MW_PATH_HAS_F16)

MW_ALWAYS_INLINE float mw_f32_of_f16(uint16_t bits) {
    _Float16 x;
    memcpy(&x, &bits, sizeof x);
    return (float)x;
}

MW_ALWAYS_INLINE uint16_t mw_f16_of_f32(float x) {
    const _Float16 rounded = (_Float16)x;
    uint16_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    return bits;
}

#else

/// The exponent moves from the bias of 15 to that of 127 by a multiplication, which takes subnormal numbers along.
MW_ALWAYS_INLINE float mw_f32_of_f16(uint16_t bits) {
    const uint32_t magnitude = (uint32_t)(bits & 0x7fff) << 13;
    const uint32_t finite = mw_bits_of(mw_float_of(magnitude) * 0x1p112f);
    // Of a NaN the quiet bit is set, as the processors' instruction does.
    const uint32_t special = magnitude | (magnitude > 0x0f800000u ? 0x7fc00000u : 0x7f800000u);
    const uint32_t value = magnitude >= 0x0f800000u ? special : finite;
    return mw_float_of(value | ((uint32_t)(bits & 0x8000) << 16));
}

/// To nearest, ties to even; from 65520 on infinite; a NaN stays one. Of what is subnormal in f16, adding ½ rounds
/// where f16 does, and leaves its bits; of the rest, the bias goes away and the last 13 bits are rounded off.
MW_ALWAYS_INLINE uint16_t mw_f16_of_f32(float x) {
    const uint32_t bits = mw_bits_of(x);
    const uint32_t magnitude = bits & 0x7fffffffu;
    const uint32_t subnormal = mw_bits_of(mw_float_of(magnitude) + 0.5f) - 0x3f000000u;
    const uint32_t normal = (magnitude - 0x38000000u + 0xfff + ((magnitude >> 13) & 1)) >> 13;
    uint32_t value = magnitude < 0x38800000u ? subnormal : normal;
    value = magnitude >= 0x477ff000u ? 0x7c00 : value;
    // A NaN keeps the upper bits of its payload, as the processors' instruction has it.
    value = magnitude > 0x7f800000u ? 0x7e00 | (magnitude >> 13 & 0x3ff) : value;
    return (uint16_t)(value | ((bits >> 16) & 0x8000));
}

#endif

#endif
