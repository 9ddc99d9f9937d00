// The two 16-bit floats, widened to f32 exactly. Branch-free, so that the loops around them vectorise.

/// bf16 is the upper half of an f32.
MW_ALWAYS_INLINE float widen_bf16(uint16_t x) { return mw_float_of((uint32_t)x << 16); }

/// Shifted into an f32's place, an f16 is itself times 2^-112, subnormal or not, and multiplying by 2^112 is exact; its
/// infinities and NaNs get the exponent that they have in f32.
MW_ALWAYS_INLINE float widen_f16(uint16_t x) {
    const uint32_t magnitude = (uint32_t)(x & 0x7fff) << 13;
    const uint32_t finite = mw_bits_of(mw_float_of(magnitude) * 0x1p112f);
    const uint32_t bits = magnitude >= (uint32_t)0x7c00 << 13 ? magnitude | 0x7f800000u : finite;
    return mw_float_of(bits | (uint32_t)(x & 0x8000) << 16);
}
