// exp and log of one f32 in operations that every path carries out alike, so that their bits agree.
//
// Branch-free, so that the loops around them vectorise.
#ifndef MESHWORK_FLOAT_MATH_H
#define MESHWORK_FLOAT_MATH_H

#include <stdint.h>
#include <string.h>

#define MW_ALWAYS_INLINE static inline __attribute__((always_inline))

MW_ALWAYS_INLINE uint32_t mw_bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

MW_ALWAYS_INLINE float mw_float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/// x · y + z rounded once, for targets without such an instruction (x86-64 before 2013). The product of two f32 is
/// exact in double; of the sum, TwoSum gives the rounding error, by which the sum is rounded to odd, and a number
/// rounded to odd with two bits to spare rounds once more without harm (Boldo & Melquiond, "Emulation of FMA and
/// correctly rounded sums: proved algorithms using rounding to odd", IEEE Trans. Computers 2008). A call of the C
/// library's fmaf, here, would not vectorise.
MW_ALWAYS_INLINE float mw_fused_multiply_add(float x, float y, float z) {
    const double product = (double)x * (double)y;
    const double addend = (double)z;
    const double sum = product + addend;
    const double part = sum - product;
    const double error = (product - (sum - part)) + (addend - part);
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    const uint64_t away = (error > 0) == (sum > 0) ? 1 : UINT64_MAX;
    const int is_inexact = error > 0 || error < 0;
    bits += is_inexact && (bits & 1) == 0 ? away : 0;
    double odd;
    memcpy(&odd, &bits, sizeof odd);
    return (float)odd;
}

/// The fused multiply-add of every kernel: an instruction where the path has it, the same bits where it has not.
#if defined(MW_PATH_HAS_FMA) || defined(__FMA__) || defined(__aarch64__)
#define MW_FMA(x, y, z) __builtin_elementwise_fma((float)(x), (float)(y), (float)(z))
#else
#define MW_FMA(x, y, z) mw_fused_multiply_add(x, y, z)
#endif

/// e^x. With n = round(x / ln 2) and r = x - n ln 2 in two parts (Cody & Waite 1980, chapter 6), e^x = 2^n e^r, and
/// e^r is 1 + r + r² q(r) with q of degree 5 (coefficients of Cephes' expf, S. Moshier). 2^n is multiplied in as
/// two factors, so that results below the normal range are rounded once, and beyond the range give +inf.
MW_ALWAYS_INLINE float mw_exp(float x) {
    // Adding 1.5 · 2^23 leaves the nearest integer in the low bits.
    const float shifter = 0x1.8p23f;
    // Beyond these e^x is 0 or +inf, and n stays in the range of the two factors. NaN passes both comparisons.
    float clamped = x > 89.0f ? 89.0f : x;
    clamped = clamped < -104.0f ? -104.0f : clamped;
    const float shifted = MW_FMA(clamped, 0x1.715476p0f, shifter);
    const float n = shifted - shifter;
    float r = MW_FMA(n, -0x1.62e400p-1f, clamped);
    r = MW_FMA(n, -0x1.7f7d1cp-20f, r);
    float q = 1.9875691500e-4f;
    q = MW_FMA(q, r, 1.3981999507e-3f);
    q = MW_FMA(q, r, 8.3334519073e-3f);
    q = MW_FMA(q, r, 4.1665795894e-2f);
    q = MW_FMA(q, r, 1.6666665459e-1f);
    q = MW_FMA(q, r, 5.0000001201e-1f);
    const float e = MW_FMA(q, r * r, r) + 1.0f;
    const int32_t exponent = (int32_t)(mw_bits_of(shifted) - mw_bits_of(shifter));
    const int32_t half = exponent >> 1;
    const float scale1 = mw_float_of((uint32_t)(half + 127) << 23);
    const float scale2 = mw_float_of((uint32_t)(exponent - half + 127) << 23);
    const float result = e * scale1 * scale2;
    return x != x ? x : result;
}

/// ln x. With x = 2^e m and m in [√½, √2), ln x = e ln 2 + ln m, and ln(1 + f) is f - f²/2 + f³ p(f) with p of
/// degree 8 (coefficients of Cephes' logf, S. Moshier).
MW_ALWAYS_INLINE float mw_log(float x) {
    const int subnormal = x < 0x1p-126f;
    const float normal = subnormal ? x * 0x1p23f : x;
    // Subtracting √½'s bits before the shift splits the exponents at √½ instead of at 1.
    const uint32_t shifted = mw_bits_of(normal) - 0x3f3504f3u;
    const int32_t exponent = ((int32_t)shifted >> 23) - (subnormal ? 23 : 0);
    const float m = mw_float_of((shifted & 0x007fffffu) + 0x3f3504f3u);
    const float e = (float)exponent;
    const float f = m - 1.0f;
    const float z = f * f;
    float p = 7.0376836292e-2f;
    p = MW_FMA(p, f, -1.1514610310e-1f);
    p = MW_FMA(p, f, 1.1676998740e-1f);
    p = MW_FMA(p, f, -1.2420140846e-1f);
    p = MW_FMA(p, f, 1.4249322787e-1f);
    p = MW_FMA(p, f, -1.6668057665e-1f);
    p = MW_FMA(p, f, 2.0000714765e-1f);
    p = MW_FMA(p, f, -2.4999993993e-1f);
    p = MW_FMA(p, f, 3.3333331174e-1f);
    float tail = z * f * p;
    tail = MW_FMA(e, -2.12194440e-4f, tail);
    tail = MW_FMA(z, -0.5f, tail);
    float result = f + tail;
    result = MW_FMA(e, 0.693359375f, result);
    result = x == 0.0f ? mw_float_of(0xff800000u) : result;
    result = x < 0.0f ? mw_float_of(0x7fc00000u) : result;
    result = x == mw_float_of(0x7f800000u) ? x : result;
    return x != x ? x : result;
}

/// Toward zero, saturating; NaN gives 0.
MW_ALWAYS_INLINE int32_t mw_saturating_int32(float x) {
    const float inside = x != x ? 0.0f : x < -0x1p31f ? -0x1p31f : x > 0x1.fffffep30f ? 0x1.fffffep30f : x;
    const int32_t truncated = (int32_t)inside;
    return x >= 0x1p31f ? INT32_MAX : truncated;
}

#endif
