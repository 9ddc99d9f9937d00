// Exponentials in operations that every path carries out alike, so that their bits agree.
//
// Branch-free, so that the loops around them vectorise.
#ifndef MESHWORK_EXPONENTIAL_H
#define MESHWORK_EXPONENTIAL_H

#include "floating_point.h"

/// e^r - 1 for |r| up to ln √2: r + r² q(r) with q of degree 5 (coefficients of Cephes' expf, S. Moshier).
MW_ALWAYS_INLINE float mw_expm1_near_zero(float r) {
    float q = 1.9875691500e-4f;
    q = MW_FMA(q, r, 1.3981999507e-3f);
    q = MW_FMA(q, r, 8.3334519073e-3f);
    q = MW_FMA(q, r, 4.1665795894e-2f);
    q = MW_FMA(q, r, 1.6666665459e-1f);
    q = MW_FMA(q, r, 5.0000001201e-1f);
    return MW_FMA(q, r * r, r);
}

/// x - n ln 2 in two steps (Cody & Waite 1980, chapter 6), for an integer n next to x / ln 2.
MW_ALWAYS_INLINE float mw_exp_rest(float x, float n) {
    return MW_FMA(n, -0x1.7f7d1cp-20f, MW_FMA(n, -0x1.62e400p-1f, x));
}

/// e^x = 2^n e^r with n = round(x / ln 2). 2^n is multiplied in as two factors, so that results below the normal range
/// are rounded once, and beyond the range give +inf.
MW_ALWAYS_INLINE float mw_exp(float x) {
    // Adding 1.5 · 2^23 leaves the nearest integer in the low bits, here with twice the exponent's bias on top.
    const float shifter = 0x1.8p23f + 254.0f;
    // Beyond these e^x is 0 or +inf, and n stays in the range of the two factors. NaN passes both comparisons.
    float clamped = x > 89.0f ? 89.0f : x;
    clamped = clamped < -104.0f ? -104.0f : clamped;
    const float shifted = MW_FMA(clamped, 0x1.715476p0f, shifter);
    const float e = mw_expm1_near_zero(mw_exp_rest(clamped, shifted - shifter)) + 1.0f;
    // The shifts to the exponent's place drop the upper bits of the shifter.
    const uint32_t biased = mw_bits_of(shifted);
    const uint32_t half = biased >> 1;
    return e * mw_float_of(half << 23) * mw_float_of((biased - half) << 23);
}

/// The largest |x| of which `mw_exp_moderate` is good.
#define MW_MODERATE_EXP_LIMIT 87.0f

/// The same bits of arguments up to the limit, whose results are in the normal range, in less work.
MW_ALWAYS_INLINE float mw_exp_moderate(float x) {
    const float shifter = 0x1.8p23f;
    const float shifted = MW_FMA(x, 0x1.715476p0f, shifter);
    const float e = mw_expm1_near_zero(mw_exp_rest(x, shifted - shifter)) + 1.0f;
    return mw_float_of(mw_bits_of(e) + (mw_bits_of(shifted) << 23));
}

/// The integer n next to x / ln 2 as two's complement bits, and *rest with e^x = 2^n (1 + *rest), for callers that
/// round 1 + *rest themselves and keep n in the range that they can use.
MW_ALWAYS_INLINE uint32_t mw_exp_parts(float x, float *rest) {
    const float shifter = 0x1.8p23f;
    const float shifted = MW_FMA(x, 0x1.715476p0f, shifter);
    *rest = mw_expm1_near_zero(mw_exp_rest(x, shifted - shifter));
    return mw_bits_of(shifted) - mw_bits_of(shifter);
}

/// The integer n next to x as two's complement bits, and *rest with 2^x = 2^n (1 + *rest): 2^f - 1 = f p(f) with p of
/// degree 5, interpolated at Chebyshev's nodes of [-½, ½] (2^-27.9).
MW_ALWAYS_INLINE uint32_t mw_exp2_parts(float x, float *rest) {
    const float shifter = 0x1.8p23f;
    const float shifted = x + shifter;
    const float f = x - (shifted - shifter);
    float p = 0x1.44138ap-13f;
    p = MW_FMA(p, f, 0x1.5f0890p-10f);
    p = MW_FMA(p, f, 0x1.3b2a54p-7f);
    p = MW_FMA(p, f, 0x1.c6af6cp-5f);
    p = MW_FMA(p, f, 0x1.ebfbe0p-3f);
    p = MW_FMA(p, f, 0x1.62e430p-1f);
    *rest = p * f;
    return mw_bits_of(shifted) - mw_bits_of(shifter);
}

/// 2^x, exact for integers.
MW_ALWAYS_INLINE float mw_exp2(float x) {
    float clamped = x > 129.0f ? 129.0f : x;
    clamped = clamped < -151.0f ? -151.0f : clamped;
    float rest;
    const int32_t exponent = (int32_t)mw_exp2_parts(clamped, &rest);
    const int32_t half = exponent >> 1;
    const float scale1 = mw_power_of_two_f32((uint32_t)half);
    const float scale2 = mw_power_of_two_f32((uint32_t)(exponent - half));
    const float result = (1.0f + rest) * scale1 * scale2;
    return x != x ? x : result;
}

/// e^r - 1 for |r| up to ln √2: r + r² q(r), q interpolated at Chebyshev's nodes, of degree 5 (2^-31) or 9 (2^-54.6).
MW_ALWAYS_INLINE double mw_expm1_near_zero_f64(double r, mw_precision precision) {
    double q;
    if (precision == MW_FOR_F32) {
        q = 0x1.a124fa3672971p-13;
        q = MW_FMA_F64(q, r, 0x1.6d432e1607377p-10);
        q = MW_FMA_F64(q, r, 0x1.1110e0ef1fd6cp-7);
        q = MW_FMA_F64(q, r, 0x1.5554e8ff3dc93p-5);
        q = MW_FMA_F64(q, r, 0x1.5555555a796c2p-3);
        q = MW_FMA_F64(q, r, 0x1.0000000b92476p-1);
    } else {
        q = 0x1.af38b08524990p-26;
        q = MW_FMA_F64(q, r, 0x1.28918aee0fd06p-22);
        q = MW_FMA_F64(q, r, 0x1.71de0dab849bbp-19);
        q = MW_FMA_F64(q, r, 0x1.a019b9087ffdep-16);
        q = MW_FMA_F64(q, r, 0x1.a01a01a7c4da9p-13);
        q = MW_FMA_F64(q, r, 0x1.6c16c1788d0cap-10);
        q = MW_FMA_F64(q, r, 0x1.11111111109b2p-7);
        q = MW_FMA_F64(q, r, 0x1.5555555553d60p-5);
        q = MW_FMA_F64(q, r, 0x1.5555555555556p-3);
        q = MW_FMA_F64(q, r, 0x1.0000000000001p-1);
    }
    return MW_FMA_F64(q, r * r, r);
}

/// The integer n next to x / ln 2 as two's complement bits, and *rest with e^x = 2^n (1 + *rest).
MW_ALWAYS_INLINE uint64_t mw_exp_parts_f64(double x, double *rest, mw_precision precision) {
    const double shifter = 0x1.8p52;
    const double shifted = MW_FMA_F64(x, 0x1.71547652b82fep0, shifter);
    const double n = shifted - shifter;
    double r = MW_FMA_F64(n, -0x1.62e42fefa39efp-1, x);
    r = MW_FMA_F64(n, -0x1.abc9e3b39803fp-56, r);
    *rest = mw_expm1_near_zero_f64(r, precision);
    return mw_bits_of_f64(shifted) - mw_bits_of_f64(shifter);
}

/// y 2^n for n in -2000...2000, of two's complement bits, rounded once.
MW_ALWAYS_INLINE double mw_scaled_f64(double y, uint64_t n) {
    // An unsigned shift, because AVX2 has no signed one of 64 bits.
    const uint64_t half = ((n + 2048) >> 1) - 1024;
    return y * mw_power_of_two_f64(half) * mw_power_of_two_f64(n - half);
}

/// e^x; where it is for f32, of |x| up to 700 (beyond, a number that f32 has no room for either).
MW_ALWAYS_INLINE double mw_exp_f64(double x, mw_precision precision) {
    const double limit = precision == MW_FOR_F32 ? 700 : 710;
    double clamped = x > limit ? limit : x;
    clamped = clamped < -limit - 36 ? -limit - 36 : clamped;
    if (precision == MW_FOR_F32) {
        clamped = clamped < -limit ? -limit : clamped;
    }
    double rest;
    const uint64_t n = mw_exp_parts_f64(clamped, &rest, precision);
    if (precision == MW_FOR_F32) {
        return (1 + rest) * mw_power_of_two_f64(n);
    }
    return x != x ? x : mw_scaled_f64(1 + rest, n);
}

/// 2^(x + low) for x in ±1100 and a much smaller `low`; without one exact for integers.
MW_ALWAYS_INLINE double mw_exp2_of_parts_f64(double x, double low) {
    const double shifter = 0x1.8p52;
    const double shifted = x + shifter;
    const double f = x - (shifted - shifter);
    const double r = f * 0x1.62e42fefa39efp-1;
    // What the product lost, and ln 2's own lower part: e^r changes by as much as r does, nearly.
    const double lost = MW_FMA_F64(f, 0x1.abc9e3b39803fp-56, MW_FMA_F64(f, 0x1.62e42fefa39efp-1, -r));
    const double change = MW_FMA_F64(low, 0x1.62e42fefa39efp-1, lost);
    const double rest = mw_expm1_near_zero_f64(r, MW_FOR_F64);
    const double e = 1 + (rest + MW_FMA_F64(change, rest, change));
    return mw_scaled_f64(e, mw_bits_of_f64(shifted) - mw_bits_of_f64(shifter));
}

/// 2^x, exact for integers.
MW_ALWAYS_INLINE double mw_exp2_f64(double x) {
    double clamped = x > 1025 ? 1025 : x;
    clamped = clamped < -1076 ? -1076 : clamped;
    const double result = mw_exp2_of_parts_f64(clamped, 0);
    return x != x ? x : result;
}

/// e^x - 1, without the loss near 0.
MW_ALWAYS_INLINE double mw_expm1_f64(double x, mw_precision precision) {
    double clamped = x > 710 ? 710 : x;
    clamped = clamped < -40 ? -40 : clamped;
    double rest;
    const uint64_t n = mw_exp_parts_f64(clamped, &rest, precision);
    // Half of 2^n, which has room at n = 1024, and is 2^n / 2 exactly below.
    const double scale = mw_power_of_two_f64(n - 1);
    const double result = 2 * MW_FMA_F64(scale, rest, scale - 0.5);
    // Of numbers this small x itself is the answer, -0 and subnormal numbers among them.
    return mw_abs_f64(x) < 0x1p-60 ? x : x != x ? x : result;
}

#endif
