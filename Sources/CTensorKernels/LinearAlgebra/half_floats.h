// The 16-bit floats as bits: widening is exact, and narrowing rounds to the nearest, ties to even.
#ifndef MESHWORK_HALF_FLOATS_H
#define MESHWORK_HALF_FLOATS_H

#include <stdint.h>
#include <string.h>

static inline float mw_float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t mw_bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float mw_from_bf16(uint16_t bits) { return mw_float_of_bits((uint32_t)bits << 16); }

static inline uint16_t mw_to_bf16(float value) {
    const uint32_t bits = mw_bits_of_float(value);
    if (value != value) {
        return (uint16_t)(bits >> 16 | 0x40);
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float mw_from_f16(uint16_t bits) {
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    const uint32_t magnitude = bits & 0x7fff;
    if (magnitude >= 0x7c00) {
        return mw_float_of_bits(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    }
    // The exponent is rebiased by a product, which also makes subnormal numbers normal.
    return mw_float_of_bits(sign | mw_bits_of_float(mw_float_of_bits(magnitude << 13) * 0x1p112f));
}

static inline uint16_t mw_to_f16(float value) {
    const uint32_t bits = mw_bits_of_float(value);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
    }
    if (magnitude >= 0x477ff000) {
        return (uint16_t)(sign | 0x7c00);
    }
    if (magnitude < 0x38800000) {
        // A sum whose last bit is worth the smallest subnormal half rounds to it.
        return (uint16_t)(sign | (mw_bits_of_float(mw_float_of_bits(magnitude) + 0.5f) - 0x3f000000));
    }
    return (uint16_t)(sign | ((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

#endif
