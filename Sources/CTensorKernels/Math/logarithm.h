// Logarithms in operations that every path carries out alike, so that their bits agree.
#ifndef MESHWORK_LOGARITHM_H
#define MESHWORK_LOGARITHM_H

#include "floating_point.h"

/// e ln 2 + ln(1 + f) for 1 + f in [√½, √2): ln(1 + f) is f - f²/2 + f³ p(f) with p of degree 8 (coefficients of
/// Cephes' logf, S. Moshier).
MW_ALWAYS_INLINE float mw_log_of_fraction(float f, float e) {
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
    return MW_FMA(e, 0.693359375f, f + tail);
}

/// The bits of √½. Subtracting them before the shift splits the exponents at √½ instead of at 1.
#define MW_ROOT_HALF_BITS 0x3f3504f3u

/// ln x of a positive normal number.
MW_ALWAYS_INLINE float mw_log_ordinary(float x) {
    const uint32_t shifted = mw_bits_of(x) - MW_ROOT_HALF_BITS;
    const float m = mw_float_of((shifted & 0x007fffffu) + MW_ROOT_HALF_BITS);
    return mw_log_of_fraction(m - 1.0f, (float)((int32_t)shifted >> 23));
}

/// What a logarithm is where its formula is not: of 0, negative numbers, +inf and NaN.
MW_ALWAYS_INLINE float mw_log_special(float x, float result) {
    result = x == 0.0f ? -MW_INFINITY_F32 : result;
    result = x < 0.0f ? MW_NAN_F32 : result;
    return x == MW_INFINITY_F32 || x != x ? x : result;
}

/// ln x, of ordinary numbers with the bits of `mw_log_ordinary`.
MW_ALWAYS_INLINE float mw_log(float x) {
    const int subnormal = x < 0x1p-126f;
    const uint32_t shifted = mw_bits_of(subnormal ? x * 0x1p23f : x) - MW_ROOT_HALF_BITS;
    const int32_t exponent = ((int32_t)shifted >> 23) - (subnormal ? 23 : 0);
    const float m = mw_float_of((shifted & 0x007fffffu) + MW_ROOT_HALF_BITS);
    return mw_log_special(x, mw_log_of_fraction(m - 1.0f, (float)exponent));
}

/// ln(1 + x) for x in (-1, 2^127). With 2^e next to 1 + x, the fraction (1 + x) / 2^e - 1 is x / 2^e + (2^-e - 1),
/// whose rounding is its only one, and none where e is 0.
MW_ALWAYS_INLINE float mw_log1p_ordinary(float x) {
    const float u = 1.0f + x;
    const uint32_t shifted = mw_bits_of(u) - MW_ROOT_HALF_BITS;
    const int32_t exponent = (int32_t)shifted >> 23;
    const float scale = mw_power_of_two_f32((uint32_t)-exponent);
    return mw_log_of_fraction(MW_FMA(x, scale, scale - 1.0f), (float)exponent);
}

/// ln(1 + x), without the loss near 0.
MW_ALWAYS_INLINE float mw_log1p(float x) {
    // From 2^100 on it is ln x, and as that of x / 2^64 in the range of the formula above.
    const int is_huge = x > 0x1p100f;
    float result = mw_log1p_ordinary(is_huge ? x * 0x1p-64f : x);
    result = is_huge ? result + 0x1.62e430p5f : result;
    result = x == -1.0f ? -MW_INFINITY_F32 : result;
    result = x < -1.0f ? MW_NAN_F32 : result;
    // -0 would lose its sign in the sum.
    return x == 0.0f || x == MW_INFINITY_F32 || x != x ? x : result;
}

/// A positive normal number as 2^exponent (1 + fraction), 1 + fraction in [√½, √2).
typedef struct mw_log_parts {
    double exponent;
    double fraction;
} mw_log_parts;

MW_ALWAYS_INLINE mw_log_parts mw_log_parts_of(double x) {
    const uint64_t root_half = 0x3fe6a09e667f3bcdu;
    const uint64_t shifted = mw_bits_of_f64(x) - root_half;
    // The signed exponent as f64 without a conversion, which AVX2 lacks: put into the low bits of 1.5 · 2^52.
    const uint64_t biased = (shifted + (UINT64_C(1024) << 52)) >> 52;
    const double exponent = mw_f64_of(0x4338000000000000u + biased) - (0x1.8p52 + 1024);
    const double m = mw_f64_of((shifted & 0x000fffffffffffffu) + root_half);
    return (mw_log_parts){exponent, m - 1};
}

/// exponent ln 2 + ln(1 + fraction) + correction. With s = f / (2 + f), ln(1 + f) is f - s (f - R) or, without loss,
/// f - (f²/2 - s (f²/2 + R)), R = s² p(s²) (FreeBSD's e_log.c, whose coefficients serve f64).
MW_ALWAYS_INLINE double mw_log_of_parts(mw_log_parts parts, double correction, mw_precision precision) {
    const double f = parts.fraction;
    const double s = f / (2 + f);
    const double z = s * s;
    if (precision == MW_FOR_F32) {
        double p = 0x1.ddd171deebc70p-3;
        p = MW_FMA_F64(p, z, 0x1.245c3741a2940p-2);
        p = MW_FMA_F64(p, z, 0x1.9999eb792e453p-2);
        p = MW_FMA_F64(p, z, 0x1.5555554bae5e4p-1);
        return MW_FMA_F64(parts.exponent, 0x1.62e42fefa39efp-1, MW_FMA_F64(z * p, s, 2 * s)) + correction;
    }
    double p = 1.479819860511658591e-01;
    p = MW_FMA_F64(p, z, 1.531383769920937332e-01);
    p = MW_FMA_F64(p, z, 1.818357216161805012e-01);
    p = MW_FMA_F64(p, z, 2.222219843214978396e-01);
    p = MW_FMA_F64(p, z, 2.857142874366239149e-01);
    p = MW_FMA_F64(p, z, 3.999999999940941908e-01);
    p = MW_FMA_F64(p, z, 6.666666666666735130e-01);
    const double half_square = 0.5 * f * f;
    const double low = MW_FMA_F64(parts.exponent, 1.90821492927058770002e-10, correction);
    // ln 2's upper part has so few bits that its products with exponents are exact.
    return MW_FMA_F64(
        parts.exponent, 6.93147180369123816490e-01,
        f - (half_square - MW_FMA_F64(s, MW_FMA_F64(z, p, half_square), low)));
}

/// What a logarithm is where its formula is not: of 0, negative numbers, +inf and NaN.
MW_ALWAYS_INLINE double mw_log_special_f64(double x, double result) {
    result = x == 0 ? -MW_INFINITY_F64 : result;
    result = x < 0 ? MW_NAN_F64 : result;
    return x == MW_INFINITY_F64 || x != x ? x : result;
}

/// The parts of a positive number that may be subnormal, unless it came from f32, where none is.
MW_ALWAYS_INLINE mw_log_parts mw_log_parts_of_any(double x, mw_precision precision) {
    if (precision == MW_FOR_F32) {
        return mw_log_parts_of(x);
    }
    const int subnormal = x < 0x1p-1022;
    mw_log_parts parts = mw_log_parts_of(subnormal ? x * 0x1p54 : x);
    parts.exponent -= subnormal ? 54 : 0;
    return parts;
}

MW_ALWAYS_INLINE double mw_log_f64(double x, mw_precision precision) {
    return mw_log_special_f64(x, mw_log_of_parts(mw_log_parts_of_any(x, precision), 0, precision));
}

/// log₂ x, exact for powers of 2.
MW_ALWAYS_INLINE double mw_log2_f64(double x, mw_precision precision) {
    mw_log_parts parts = mw_log_parts_of_any(x, precision);
    const double exponent = parts.exponent;
    parts.exponent = 0;
    const double log = mw_log_of_parts(parts, 0, precision);
    // 1 / ln 2 in two parts.
    const double low = log * 0x1.777d0ffda0d24p-56;
    return mw_log_special_f64(x, exponent + MW_FMA_F64(log, 0x1.71547652b82fep0, low));
}

/// log₁₀ x, where it is for f32 exact for powers of 10.
MW_ALWAYS_INLINE double mw_log10_f64(double x, mw_precision precision) {
    mw_log_parts parts = mw_log_parts_of_any(x, precision);
    const double exponent = parts.exponent;
    parts.exponent = 0;
    const double log = mw_log_of_parts(parts, 0, precision);
    // log₁₀ e and log₁₀ 2, each in two parts; the upper one of the latter has few bits, so that its products are exact.
    const double low = MW_FMA_F64(exponent, 0x1.3fde623e2566bp-43, log * 0x1.95355baaafad3p-57);
    const double upper = exponent * 0x1.34413509f7000p-2;
    return mw_log_special_f64(x, upper + MW_FMA_F64(log, 0x1.bcb7b1526e50ep-2, low));
}

/// ln(1 + x), without the loss near 0.
MW_ALWAYS_INLINE double mw_log1p_f64(double x, mw_precision precision) {
    const double u = 1 + x;
    mw_log_parts parts = mw_log_parts_of(u);
    double correction = 0;
    if (precision == MW_FOR_F64) {
        // What 1 + x lost, over 1 + x.
        const double lost = u >= 2 ? 1 - (u - x) : x - (u - 1);
        correction = parts.exponent == 0 ? 0 : lost / u;
    }
    // Where 1 + x has exponent 0, x is the fraction, and exact.
    parts.fraction = parts.exponent == 0 ? x : parts.fraction;
    double result = mw_log_of_parts(parts, correction, precision);
    result = x == -1 ? -MW_INFINITY_F64 : result;
    result = x < -1 ? MW_NAN_F64 : result;
    result = mw_abs_f64(x) < 0x1p-60 ? x : result;
    return x == MW_INFINITY_F64 || x != x ? x : result;
}

#endif
