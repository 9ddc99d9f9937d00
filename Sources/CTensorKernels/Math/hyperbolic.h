// Hyperbolic functions and their inverses in operations that every path carries out alike, so that their bits agree.
#ifndef MESHWORK_HYPERBOLIC_H
#define MESHWORK_HYPERBOLIC_H

#include "exponential.h"
#include "logarithm.h"

/// sinh x = (E + E / (E + 1)) / 2 with E = e^|x| - 1.
MW_ALWAYS_INLINE double mw_sinh_f64(double x, mw_precision precision) {
    const double magnitude = mw_abs_f64(x);
    if (precision == MW_FOR_F32) {
        const double e = mw_expm1_f64(magnitude > 700 ? 700 : magnitude, precision);
        return mw_with_sign_f64(0.5 * (e + e / (e + 1)), x);
    }
    // From 22 on it is e^|x| / 2. That is a number for longer than e^|x|, so the half goes into the power of 2.
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

/// atanh x: up to ½ x + x³ p(x²), p minimax by Lawson's iteration (2^-33), above ½ ln(1 + 2|x| / (1 - |x|)); infinite
/// at ±1, NaN beyond.
MW_ALWAYS_INLINE float mw_atanh(float x) {
    const float magnitude = mw_abs_f32(x);
    const float z = x * x;
    float p = 0x1.6962dap-3f;
    p = MW_FMA(p, z, 0x1.8a76f2p-6f);
    p = MW_FMA(p, z, 0x1.a5cbd4p-4f);
    p = MW_FMA(p, z, 0x1.c11cf4p-4f);
    p = MW_FMA(p, z, 0x1.24c34ep-3f);
    p = MW_FMA(p, z, 0x1.999820p-3f);
    p = MW_FMA(p, z, 0x1.555558p-2f);
    const float small = MW_FMA(magnitude * z, p, magnitude);
    const float large = 0.5f * mw_log1p_ordinary(2.0f * magnitude / (1.0f - magnitude));
    const float result = mw_with_sign_f32(magnitude <= 0.5f ? small : large, x);
    const float edge = mw_with_sign_f32(magnitude == 1.0f ? MW_INFINITY_F32 : MW_NAN_F32, x);
    return magnitude < 1.0f ? result : edge;
}

/// atanh x = ½ ln(1 + 2|x| / (1 - |x|)); infinite at ±1, NaN beyond.
MW_ALWAYS_INLINE double mw_atanh_f64(double x) {
    const double magnitude = mw_abs_f64(x);
    const double result = 0.5 * mw_log1p_f64(2 * magnitude / (1 - magnitude), MW_FOR_F64);
    const double signed_result = mw_with_sign_f64(magnitude < 0x1p-30 ? magnitude : result, x);
    return magnitude > 1 ? MW_NAN_F64 : x != x ? x : signed_result;
}

#endif
