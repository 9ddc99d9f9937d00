// Hyperbolic functions and their inverses in operations that every path carries out alike, so that their bits agree.
#ifndef MESHWORK_HYPERBOLIC_H
#define MESHWORK_HYPERBOLIC_H

#include "exponential.h"
#include "logarithm.h"

/// tanh x: below 0.625 x + x³ p(x²) (coefficients of Cephes' tanhf, S. Moshier), above 1 - 2 / (e^{2|x|} + 1), which is
/// 1 from 10 on.
MW_ALWAYS_INLINE float mw_tanh(float x) {
    const float magnitude = mw_abs_f32(x);
    const float z = x * x;
    float p = MW_FMA(z, -5.70498872745e-3f, 2.06390887954e-2f);
    p = MW_FMA(p, z, -5.37397155531e-2f);
    p = MW_FMA(p, z, 1.33314422036e-1f);
    p = MW_FMA(p, z, -3.33332819422e-1f);
    const float small = MW_FMA(magnitude * z, p, magnitude);
    const float clamped = magnitude > 10.0f ? 10.0f : magnitude;
    float rest;
    const float scale = mw_power_of_two_f32(mw_exp_parts(2.0f * clamped, &rest));
    const float large = 1.0f - 2.0f / MW_FMA(scale, rest, scale + 1.0f);
    return mw_with_sign_f32(magnitude < 0.625f ? small : large, x);
}

/// sinh x = (E + E / (E + 1)) / 2 with E = e^|x| - 1.
MW_ALWAYS_INLINE double mw_sinh_f64(double x, mw_precision precision) {
    const double magnitude = mw_abs_f64(x);
    if (precision == MW_FOR_F32) {
        const double e = mw_expm1_f64(magnitude > 700 ? 700 : magnitude, precision);
        return mw_with_sign_f64(0.5 * (e + e / (e + 1)), x);
    }
    // From 22 on it is e^|x| / 2, which has room for a little longer than e^|x|: as e^(|x| - ln 2 · 1) would lose digits,
    // the half goes into the power of 2.
    const double clamped = magnitude > 711 ? 711 : magnitude;
    double rest;
    const uint64_t n = mw_exp_parts_f64(clamped, &rest, precision);
    const double large = mw_scaled_f64(1 + rest, n - 1);
    const double e = mw_expm1_f64(clamped > 22 ? 22 : clamped, precision);
    const double small = 0.5 * (e + e / (e + 1));
    return x != x ? x : mw_with_sign_f64(magnitude > 22 ? large : small, x);
}

/// cosh x = (e^|x| + e^-|x|) / 2.
MW_ALWAYS_INLINE double mw_cosh_f64(double x, mw_precision precision) {
    const double magnitude = mw_abs_f64(x);
    if (precision == MW_FOR_F32) {
        const double e = mw_exp_f64(magnitude, precision);
        return 0.5 * (e + 1 / e);
    }
    const double clamped = magnitude > 711 ? 711 : magnitude;
    double rest;
    const uint64_t n = mw_exp_parts_f64(clamped, &rest, precision);
    const double half = mw_scaled_f64(1 + rest, n - 1);
    return x != x ? x : half + (magnitude > 22 ? 0 : 0.25 / half);
}

/// tanh x = E / (E + 2) with E = e^{2|x|} - 1, which is 1 from 20 on.
MW_ALWAYS_INLINE double mw_tanh_f64(double x, mw_precision precision) {
    const double magnitude = mw_abs_f64(x);
    const double e = mw_expm1_f64(2 * (magnitude > 20 ? 20 : magnitude), precision);
    return mw_with_sign_f64(magnitude < 0x1p-30 ? magnitude : e / (e + 2), x);
}

/// asinh x = ln(1 + |x| + x² / (1 + √(x² + 1))), and ln|x| + ln 2 where x² would overflow or 1 not count.
MW_ALWAYS_INLINE double mw_asinh_f64(double x, mw_precision precision) {
    const double magnitude = mw_abs_f64(x);
    const int is_huge = magnitude > 0x1p28;
    const double inside = is_huge ? 0 : magnitude;
    const double square = inside * inside;
    const double argument = inside + square / (1 + __builtin_elementwise_sqrt(square + 1));
    const double ordinary = mw_log1p_f64(argument, precision);
    const double result = is_huge ? mw_log_f64(magnitude, precision) + 0x1.62e42fefa39efp-1 : ordinary;
    return x != x ? x : mw_with_sign_f64(magnitude < 0x1p-30 ? magnitude : result, x);
}

/// acosh x = ln(1 + t + √(2t + t²)) with t = x - 1, and ln x + ln 2 for large x; NaN below 1.
MW_ALWAYS_INLINE double mw_acosh_f64(double x, mw_precision precision) {
    const int is_huge = x > 0x1p28;
    const double t = is_huge ? 0 : x - 1;
    const double ordinary = mw_log1p_f64(t + __builtin_elementwise_sqrt(MW_FMA_F64(t, t, 2 * t)), precision);
    const double result = is_huge ? mw_log_f64(x, precision) + 0x1.62e42fefa39efp-1 : ordinary;
    return x < 1 ? MW_NAN_F64 : x != x ? x : result;
}

/// atanh x = ½ ln(1 + 2|x| / (1 - |x|)); infinite at ±1, NaN beyond.
MW_ALWAYS_INLINE double mw_atanh_f64(double x, mw_precision precision) {
    const double magnitude = mw_abs_f64(x);
    const double result = 0.5 * mw_log1p_f64(2 * magnitude / (1 - magnitude), precision);
    const double signed_result = mw_with_sign_f64(magnitude < 0x1p-30 ? magnitude : result, x);
    return magnitude > 1 ? MW_NAN_F64 : x != x ? x : signed_result;
}

#endif
