// The error function, its complement and its inverse, in operations that every path carries out alike.
#ifndef MESHWORK_ERROR_FUNCTION_H
#define MESHWORK_ERROR_FUNCTION_H

#include "exponential.h"
#include "logarithm.h"

/// erfc x, for f32: e^(-x²) R(|x|), of which negative x have 2 less. R(x) (1 + 2x) is a polynomial of degree 11 in
/// (x - 3) / (x + 3), interpolated at Chebyshev's nodes for x in [0, 10.1] (2^-30.3); f32 ends before.
MW_ALWAYS_INLINE double mw_erfc_f64_for_f32(double x) {
    const double magnitude = mw_abs_f64(x);
    const double t = magnitude > 11 ? 11 : magnitude;
    const double q = (t - 3) / (t + 3);
    double p = 0x1.30aaa0332a3d2p-15;
    p = MW_FMA_F64(p, q, -0x1.7af3bf1d9ca98p-13);
    p = MW_FMA_F64(p, q, -0x1.84a3e4f7a28f2p-11);
    p = MW_FMA_F64(p, q, 0x1.fec0f8a9d695fp-10);
    p = MW_FMA_F64(p, q, 0x1.4b790e61a9e9ep-9);
    p = MW_FMA_F64(p, q, -0x1.85ba983d357f6p-6);
    p = MW_FMA_F64(p, q, 0x1.17c84a05ed965p-4);
    p = MW_FMA_F64(p, q, -0x1.e8896e421ccd8p-4);
    p = MW_FMA_F64(p, q, 0x1.09838482794cdp-3);
    p = MW_FMA_F64(p, q, -0x1.85a18b06def09p-5);
    p = MW_FMA_F64(p, q, -0x1.15c0857d0a204p-3);
    p = MW_FMA_F64(p, q, 0x1.40c522dab27afp+0);
    const double upper = mw_exp_f64(-t * t, MW_FOR_F32) * p / MW_FMA_F64(2, t, 1);
    return x < 0 ? 2 - upper : upper;
}

/// erf x of |x| up to 0.7, where the others below begin: x + x p(x²), interpolated at Chebyshev's nodes (2^-61.9).
MW_ALWAYS_INLINE double mw_erf_near_zero_f64(double x) {
    const double z = x * x;
    double p = 0x1.9576656d5cb4ep-27;
    p = MW_FMA_F64(p, z, -0x1.5816992332a2ep-23);
    p = MW_FMA_F64(p, z, 0x1.b94bbd17b8a19p-20);
    p = MW_FMA_F64(p, z, -0x1.f4ca60dd2a957p-17);
    p = MW_FMA_F64(p, z, 0x1.f9a2e31f336cbp-14);
    p = MW_FMA_F64(p, z, -0x1.c02db28ceff1ep-11);
    p = MW_FMA_F64(p, z, 0x1.565bcd0975aa5p-8);
    p = MW_FMA_F64(p, z, -0x1.b82ce31274ee7p-6);
    p = MW_FMA_F64(p, z, 0x1.ce2f21a04295ap-4);
    p = MW_FMA_F64(p, z, -0x1.812746b0379e5p-2);
    p = MW_FMA_F64(p, z, 0x1.06eba8214db69p-3);
    return MW_FMA_F64(x, p, x);
}

/// erfc x from 0.6 on: e^(-x²) R(x), where R(x) (1 + 2x) is a polynomial of degree 20 in (x - 4) / (x + 4),
/// interpolated at Chebyshev's nodes up to 27.3 (2^-55.8), where f64 ends.
MW_ALWAYS_INLINE double mw_erfc_tail_f64(double x) {
    const double t = x > 27.3 ? 27.3 : x;
    const double q = (t - 4) / (t + 4);
    double p = -0x1.c9c977a4d3b06p-27;
    p = MW_FMA_F64(p, q, 0x1.43d17b9a2e523p-24);
    p = MW_FMA_F64(p, q, 0x1.2c7bc5fb329c7p-24);
    p = MW_FMA_F64(p, q, -0x1.a57641813d4e8p-21);
    p = MW_FMA_F64(p, q, 0x1.3e11f6586e31bp-22);
    p = MW_FMA_F64(p, q, 0x1.7d5a99bf15f2ep-18);
    p = MW_FMA_F64(p, q, -0x1.7891c2a3d0703p-17);
    p = MW_FMA_F64(p, q, -0x1.99294b812b14cp-16);
    p = MW_FMA_F64(p, q, 0x1.3be0695165eaap-13);
    p = MW_FMA_F64(p, q, -0x1.a1e0bad0093cap-13);
    p = MW_FMA_F64(p, q, -0x1.8d4a9b12eb31fp-11);
    p = MW_FMA_F64(p, q, 0x1.49c674a14fcf4p-8);
    p = MW_FMA_F64(p, q, -0x1.09623884eb2dep-6);
    p = MW_FMA_F64(p, q, 0x1.3079edefc16e9p-5);
    p = MW_FMA_F64(p, q, -0x1.0fb06dfe45510p-4);
    p = MW_FMA_F64(p, q, 0x1.7fee004e42129p-4);
    p = MW_FMA_F64(p, q, -0x1.9ddb23c3e95ffp-4);
    p = MW_FMA_F64(p, q, 0x1.16ecefcfa4035p-4);
    p = MW_FMA_F64(p, q, 0x1.f7f5df66fd8aap-7);
    p = MW_FMA_F64(p, q, -0x1.1df1ad154a27cp-3);
    p = MW_FMA_F64(p, q, 0x1.3ba5916e9fd7fp+0);
    // e^(-x²) changes by what the square lost, and may be subnormal: it is scaled last.
    const double square = t * t;
    const double lost = MW_FMA_F64(t, t, -square);
    double rest;
    const uint64_t n = mw_exp_parts_f64(-square, &rest, MW_FOR_F64);
    const double value = (1 + rest) * (p / MW_FMA_F64(2, t, 1));
    return mw_scaled_f64(MW_FMA_F64(-value, lost, value), n);
}

MW_ALWAYS_INLINE double mw_erf_f64(double x) {
    const double magnitude = mw_abs_f64(x);
    const double near = mw_erf_near_zero_f64(magnitude);
    const double far = 1 - mw_erfc_tail_f64(magnitude < 0.6 ? 0.6 : magnitude);
    return mw_with_sign_f64(magnitude < 0.7 ? near : far, x);
}

MW_ALWAYS_INLINE double mw_erfc_f64(double x) {
    const double magnitude = mw_abs_f64(x);
    const double tail = mw_erfc_tail_f64(magnitude < 0.6 ? 0.6 : magnitude);
    return magnitude < 0.7 ? 1 - mw_erf_near_zero_f64(x) : x < 0 ? 2 - tail : tail;
}

/// erf⁻¹ x to 2^-28: x p(w) with w = -ln(1 - x²), in powers of w - 3 below 6.05, and in powers of √w - 4 above, up to
/// the largest f64 below 1 (the variables of M. Giles, "Approximating the erfinv function", GPU Computing Gems 2010;
/// interpolated at Chebyshev's nodes). `complement` is 1 - |x|.
MW_ALWAYS_INLINE double mw_erf_inverse_estimate(double x, double complement) {
    const double magnitude = mw_abs_f64(x);
    const double w = -mw_log_of_parts(mw_log_parts_of(complement * (1 + magnitude)), 0, MW_FOR_F32);
    const double v = w - 3;
    double centre = 0x1.73b476f5bd11dp-40;
    centre = MW_FMA_F64(centre, v, -0x1.001f582c8146dp-36);
    centre = MW_FMA_F64(centre, v, -0x1.1d9fac200074dp-36);
    centre = MW_FMA_F64(centre, v, 0x1.25a71d22965b0p-30);
    centre = MW_FMA_F64(centre, v, -0x1.7d68966fa2bb7p-28);
    centre = MW_FMA_F64(centre, v, -0x1.9221e7482d304p-26);
    centre = MW_FMA_F64(centre, v, 0x1.e36829f0929a7p-22);
    centre = MW_FMA_F64(centre, v, -0x1.d578f7e8a07a9p-20);
    centre = MW_FMA_F64(centre, v, -0x1.aab34ba0b4415p-17);
    centre = MW_FMA_F64(centre, v, 0x1.99138145e7e63p-13);
    centre = MW_FMA_F64(centre, v, -0x1.b6666a7a8dd52p-11);
    centre = MW_FMA_F64(centre, v, -0x1.780df287e1b95p-8);
    centre = MW_FMA_F64(centre, v, 0x1.eedbebdea9a8ep-3);
    centre = MW_FMA_F64(centre, v, 0x1.9fa072edc302bp+0);
    // Of w that is -0, or less by a rounding, the root would be NaN, which the selection below must not meet.
    const double s = __builtin_elementwise_sqrt(w > 6.05 ? w : 6.05) - 4;
    double tail = 0x1.a8749a2b41b9ep-24;
    tail = MW_FMA_F64(tail, s, -0x1.3c174126d37bep-21);
    tail = MW_FMA_F64(tail, s, 0x1.42e94d18881d7p-21);
    tail = MW_FMA_F64(tail, s, 0x1.bc0d766f3dc6cp-19);
    tail = MW_FMA_F64(tail, s, -0x1.86814fb228b3ep-17);
    tail = MW_FMA_F64(tail, s, 0x1.401877e3ffc76p-16);
    tail = MW_FMA_F64(tail, s, -0x1.e25b67f4a14ebp-16);
    tail = MW_FMA_F64(tail, s, 0x1.ca6c2690915c0p-15);
    tail = MW_FMA_F64(tail, s, -0x1.f9a80ec07d743p-14);
    tail = MW_FMA_F64(tail, s, 0x1.51462d92291adp-12);
    tail = MW_FMA_F64(tail, s, -0x1.c72645a9fb886p-11);
    tail = MW_FMA_F64(tail, s, 0x1.4a38d224ab01cp-10);
    tail = MW_FMA_F64(tail, s, 0x1.026e24f842e1ep+0);
    tail = MW_FMA_F64(tail, s, 0x1.eb7e091f536f8p+1);
    return x * (w > 6.05 ? tail : centre);
}

/// erf⁻¹ x; infinite at ±1, NaN beyond.
MW_ALWAYS_INLINE float mw_erf_inverse(float x) {
    const float magnitude = mw_abs_f32(x);
    const float result = (float)mw_erf_inverse_estimate((double)x, 1 - (double)magnitude);
    const float edge = mw_with_sign_f32(magnitude == 1.0f ? MW_INFINITY_F32 : MW_NAN_F32, x);
    return magnitude < 1.0f ? result : edge;
}

/// The same for f64: the estimate, and a step of Halley's on erfc, whose digits near 1 erf lacks, or on erf.
MW_ALWAYS_INLINE double mw_erf_inverse_f64(double x) {
    const double magnitude = mw_abs_f64(x);
    const double inside = magnitude < 1 ? magnitude : 0.5;
    const double complement = 1 - inside;
    const double y = mw_erf_inverse_estimate(inside, complement);
    const double tail = mw_erfc_tail_f64(y < 0.6 ? 0.6 : y);
    const double near = mw_erf_near_zero_f64(y);
    // erf y - x, with 0.7 between the two that erf is made of; 1 - x is exact there.
    const double excess = y < 0.7 ? near - inside : complement - tail;
    // Newton's step: the excess over erf's derivative, 2 / √π e^(-y²).
    const double step = excess * (0x1.c5bf891b4ef6bp-1 * mw_exp_f64(y * y, MW_FOR_F32));
    const double refined = y - step / MW_FMA_F64(y, step, 1);
    // √π / 2, where the next term, of x³, does not count.
    const double result = mw_with_sign_f64(magnitude < 0x1p-30 ? inside * 0x1.c5bf891b4ef6bp-1 : refined, x);
    const double edge = mw_with_sign_f64(magnitude == 1 ? MW_INFINITY_F64 : MW_NAN_F64, x);
    return magnitude < 1 ? result : edge;
}

#endif
