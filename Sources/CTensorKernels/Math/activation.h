// Activation functions of neural networks in operations that every path carries out alike, so that their bits agree.
#ifndef MESHWORK_ACTIVATION_H
#define MESHWORK_ACTIVATION_H

#include "error_function.h"
#include "exponential.h"
#include "logarithm.h"

/// 1 + e^-x of the sigmoid and of what is made of it, as 2^exponent · *significand with exponent 32 for negative x
/// (whose sum may have no room in f32) and else 0. Quotients by the significand are in the normal range, and scaling
/// them rounds once more only if they leave it.
MW_ALWAYS_INLINE float mw_one_plus_exp_of_negative(float x, float *significand) {
    const int is_negative = x < 0.0f;
    // e^-x does not count beyond 60; below -110 not even x e^x is a number but 0.
    float clamped = x > 60.0f ? 60.0f : x;
    clamped = clamped < -110.0f ? -110.0f : clamped;
    float rest;
    const uint32_t n = mw_exp_parts(-clamped, &rest);
    const float scale = mw_power_of_two_f32(n - (is_negative ? 32 : 0));
    const float one = is_negative ? 0x1p-32f : 1.0f;
    // The small sum first, so that it loses little of 1 where e^-x is large.
    *significand = scale + MW_FMA(scale, rest, one);
    return one;
}

/// 1 + e^-x of |x| up to `MW_MODERATE_EXP_LIMIT`, the significand above (times 2^32 of negative x) in less work.
MW_ALWAYS_INLINE float mw_one_plus_exp_of_moderate(float x) {
    const float shifter = 0x1.8p23f + 127.0f;
    const float shifted = MW_FMA(-x, 0x1.715476p0f, shifter);
    const float rest = mw_expm1_near_zero(mw_exp_rest(-x, shifted - shifter));
    const float scale = mw_float_of(mw_bits_of(shifted) << 23);
    return scale + MW_FMA(scale, rest, 1.0f);
}

/// 1 / (1 + e^-x).
MW_ALWAYS_INLINE float mw_sigmoid(float x) {
    float significand;
    const float scale = mw_one_plus_exp_of_negative(x, &significand);
    return 1.0f / significand * scale;
}

/// x / (1 + e^-x), and 0 at -inf.
MW_ALWAYS_INLINE float mw_silu(float x) {
    float significand;
    const float scale = mw_one_plus_exp_of_negative(x, &significand);
    // The quotient is 0 from here on, and -inf · 0 would not be a number.
    const float numerator = x < -110.0f ? -110.0f : x;
    return numerator / significand * scale;
}

MW_ALWAYS_INLINE double mw_sigmoid_f64(double x) {
    const double e = mw_exp_f64(-mw_abs_f64(x), MW_FOR_F64);
    return (x < 0 ? e : 1) / (1 + e);
}

/// factor · e^x, scaled last because e^x alone may be subnormal where the product is not, and *exponential = e^x. For x
/// up to 709.
MW_ALWAYS_INLINE double mw_times_exp_f64(double x, double factor, double *exponential) {
    const double clamped = x < -800 ? -800 : x;
    double rest;
    const uint64_t n = mw_exp_parts_f64(clamped, &rest, MW_FOR_F64);
    *exponential = mw_scaled_f64(1 + rest, n);
    return mw_scaled_f64((factor < -800 ? -800 : factor) * (1 + rest), n);
}

MW_ALWAYS_INLINE double mw_silu_f64(double x) {
    double e;
    const double negative = mw_times_exp_f64(-mw_abs_f64(x), x, &e);
    return (x < 0 ? negative : x) / (1 + e);
}

/// x Φ(x), Φ the normal distribution: max(x, 0) - |x| h with h = Φ(-|x|) = 2^(|x| p(|x|) - 1), p minimax by Lawson's
/// iteration on [0, 5.8] (2^-26.9); beyond, h does not count. Within 2^-23 |x|.
MW_ALWAYS_INLINE float mw_gelu(float x) {
    const float magnitude = mw_abs_f32(x);
    const float t = magnitude > 5.8f ? 5.8f : magnitude;
    float p = -0x1.7c7edcp-19f;
    p = MW_FMA(p, t, 0x1.4a52f2p-15f);
    p = MW_FMA(p, t, -0x1.8672c0p-13f);
    p = MW_FMA(p, t, -0x1.1f2d2ap-13f);
    p = MW_FMA(p, t, 0x1.cee886p-8f);
    p = MW_FMA(p, t, -0x1.ae0c78p-5f);
    p = MW_FMA(p, t, -0x1.d63aacp-2f);
    p = MW_FMA(p, t, -0x1.26aed4p0f);
    float rest;
    const uint32_t n = mw_exp2_parts(p * t, &rest);
    const float part = (magnitude > 5.8f ? 0.0f : t) * mw_power_of_two_f32(n - 1);
    const float upper = x < 0.0f ? 0.0f : x;
    return MW_FMA(-part, 1.0f + rest, upper);
}

MW_ALWAYS_INLINE double mw_gelu_f64(double x) {
    // Beyond -39 the product is less than the least f64, and -inf · 0 would not be a number.
    const double bounded = x < -39 ? -39 : x;
    return 0.5 * bounded * mw_erfc_f64(-0x1.6a09e667f3bcdp-1 * bounded);
}

/// x / (1 + e^(-2u)) with u = √(2/π) (x + 0.044715 x³), which is x (1 + tanh u) / 2. Within 2^-23 |x|.
MW_ALWAYS_INLINE float mw_gelu_tanh(float x) {
    const float magnitude = mw_abs_f32(x);
    const float t = magnitude > 6.0f ? 6.0f : magnitude;
    // 2u = x (a + b x²).
    const float exponent = t * MW_FMA(t * t, 0x1.2444f2p-4f, 0x1.988454p0f);
    float rest;
    const float scale = mw_power_of_two_f32(mw_exp_parts(-exponent, &rest));
    const float numerator = x < 0.0f ? -t * MW_FMA(scale, rest, scale) : x;
    const float result = numerator / MW_FMA(scale, rest, 1.0f + scale);
    return x < -6.0f ? 0.0f : result;
}

MW_ALWAYS_INLINE double mw_gelu_tanh_f64(double x) {
    const double bounded = x < -30 ? -30 : x > 1e100 ? 1e100 : x;
    const double exponent = bounded * MW_FMA_F64(bounded * bounded, 0x1.2444f2a4d8b4bp-4, 0x1.9884533d43651p0);
    return (x < -30 ? -30 : x) * mw_sigmoid_f64(exponent);
}

/// ln(1 + e^-|x|).
MW_ALWAYS_INLINE float mw_log1p_of_exp(float x) {
    const float magnitude = mw_abs_f32(x);
    float rest;
    const int32_t exponent = (int32_t)mw_exp_parts(magnitude > 104.0f ? -104.0f : -magnitude, &rest);
    const int32_t half = exponent >> 1;
    const float scale = mw_power_of_two_f32((uint32_t)half);
    const float e = MW_FMA(scale, rest, scale) * mw_power_of_two_f32((uint32_t)(exponent - half));
    // Above √2 - 1 the fraction is that of (1 + e) / 2, which e's bits hold.
    const int is_large = e > 0x1.a8279ap-2f;
    return mw_log_of_fraction(is_large ? MW_FMA(0.5f, e, -0.5f) : e, is_large ? 1.0f : 0.0f);
}

MW_ALWAYS_INLINE double mw_log1p_of_exp_f64(double x) {
    return mw_log1p_f64(mw_exp_f64(-mw_abs_f64(x), MW_FOR_F64), MW_FOR_F64);
}

/// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|).
MW_ALWAYS_INLINE float mw_softplus(float x) {
    return (x < 0.0f ? 0.0f : x) + mw_log1p_of_exp(x);
}

MW_ALWAYS_INLINE double mw_softplus_f64(double x) {
    return (x < 0 ? 0 : x) + mw_log1p_of_exp_f64(x);
}

/// ln(1 / (1 + e^-x)) = min(x, 0) - ln(1 + e^-|x|).
MW_ALWAYS_INLINE float mw_log_sigmoid(float x) {
    return (x > 0.0f ? 0.0f : x) - mw_log1p_of_exp(x);
}

MW_ALWAYS_INLINE double mw_log_sigmoid_f64(double x) {
    return (x > 0 ? 0 : x) - mw_log1p_of_exp_f64(x);
}

/// x tanh(ln(1 + e^x)) = x (e² + 2e) / (e² + 2e + 2) with e = e^x, which is x from 40 on, x e^x below -40, and 0 at
/// -inf.
MW_ALWAYS_INLINE double mw_mish_f64(double x, mw_precision precision) {
    const double clamped = x > 40 ? 40 : x;
    double e, product = 0;
    if (precision == MW_FOR_F32) {
        e = mw_exp_f64(clamped, precision);
    } else {
        product = mw_times_exp_f64(clamped, x, &e);
    }
    const double numerator = e * (e + 2);
    const double result = (x < -1000 ? -1000 : x) * (numerator / (numerator + 2));
    return precision == MW_FOR_F64 && x < -40 ? product : result;
}

#endif
