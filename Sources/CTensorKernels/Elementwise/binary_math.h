// Functions of two numbers in operations that every path carries out alike, so that their bits agree.
//
// Those of f32 compute in f64 without fused operations and round once: within 0.5001 ULP, branch-free, so that the loops
// around them vectorise. Those of f64 are in binary_math_f64.h.
#ifndef MESHWORK_BINARY_MATH_H
#define MESHWORK_BINARY_MATH_H

#include "conversion_math.h"

#include <math.h>

/// The nearest integer to |x| < 2^51, ties to even.
MW_ALWAYS_INLINE double mw_nearest_integer(double x) {
    return (x + 0x1.8p52) - 0x1.8p52;
}

/// a + b z + c z² + d z³, in pairs (Estrin's scheme), so that the steps do not wait for each other.
MW_ALWAYS_INLINE double mw_cubic(double z, double a, double b, double c, double d) {
    return (a + b * z) + (c + d * z) * (z * z);
}

/// 2 artanh(s) for |s| ≤ 1/3, which is ln((1 + s) / (1 - s)): the series in s², cut at 2^-36 of the sum.
MW_ALWAYS_INLINE double mw_log_of_ratio(double s) {
    const double z = s * s;
    const double z4 = (z * z) * (z * z);
    const double high = mw_cubic(z, 2.0 / 11.0, 2.0 / 13.0, 2.0 / 15.0, 2.0 / 17.0) + (2.0 / 19.0) * z4;
    const double p = mw_cubic(z, 2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0) + high * z4;
    return s * (p * z) + 2.0 * s;
}

/// log2 of a normal x > 0: with x = 2^e m and m in [√½, √2), e + log2 m, of which the series is cut at 2^-50.
MW_ALWAYS_INLINE double mw_log2_of_f32(double x) {
    const uint64_t shifted = mw_bits_of_f64(x) - 0x3fe6a09e667f3bcdu;
    // The exponent as a double without a conversion of 64-bit integers, which AVX2 lacks: put into the digits of 2^52.
    const double e = mw_f64_of((uint64_t)((shifted >> 52) ^ 0x800u) + 0x4330000000000000u) - (0x1p52 + 0x800);
    const double m = mw_f64_of((shifted & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    const double z4 = (z * z) * (z * z);
    const double high = mw_cubic(z, 2.0 / 11.0, 2.0 / 13.0, 2.0 / 15.0, 2.0 / 17.0) + (2.0 / 19.0) * z4;
    const double p = mw_cubic(z, 2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0) + high * z4;
    return (s * (p * z) + 2.0 * s) * 0x1.71547652b82fep0 + e;
}

/// 2^x for a result that becomes an f32: the series of e^x is cut at 2^-52, and an exponent beyond ±1,000 is one of those.
MW_ALWAYS_INLINE double mw_exp2_for_f32(double x) {
    double clamped = x > 1000.0 ? 1000.0 : x;
    clamped = clamped < -1000.0 ? -1000.0 : clamped;
    const double shifted = clamped + 0x1.8p52;
    const double n = shifted - 0x1.8p52;
    const double w = (clamped - n) * 0x1.62e42fefa39efp-1;
    const double w4 = (w * w) * (w * w);
    const double high =
        mw_cubic(w, 1.0 / 40320.0, 1.0 / 362880.0, 1.0 / 3628800.0, 1.0 / 39916800.0) + (1.0 / 479001600.0) * w4;
    const double middle = mw_cubic(w, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0) + high * w4;
    const double p = mw_cubic(w, 1.0, 1.0, 0.5, 1.0 / 6.0) + middle * w4;
    // The low bits of `shifted` hold n, and those above vanish in the shift.
    const double scale = mw_f64_of((mw_bits_of_f64(shifted) << 52) + 0x3ff0000000000000u);
    return x != x ? x : p * scale;
}

/// x^y, with the special values of IEEE 754 and C: 1^y and x^0 are 1, with NaN too.
MW_ALWAYS_INLINE float mw_power_f32(float x_single, float y_single) {
    const double x = x_single, y = y_single;
    const double magnitude = mw_abs_f64(x);
    const double infinity = mw_f64_of(0x7ff0000000000000u);
    const double not_a_number = mw_f64_of(0x7ff8000000000000u);
    double logarithm = mw_log2_of_f32(magnitude);
    logarithm = magnitude == 0.0 ? -infinity : logarithm;
    logarithm = magnitude == infinity ? infinity : logarithm;
    logarithm = magnitude != magnitude ? magnitude : logarithm;
    double result = mw_exp2_for_f32(y * logarithm);
    result = magnitude == 1.0 ? 1.0 : result;
    // From 2^24 on, every f32 is an even integer.
    const double y_magnitude = mw_abs_f64(y);
    const int is_large = y_magnitude >= 0x1p24;
    const double bounded = is_large ? 0.0 : y;
    const int is_integer = mw_nearest_integer(bounded) == bounded;
    const int is_odd = is_integer & (mw_nearest_integer(bounded * 0.5) != bounded * 0.5);
    const int is_negative = mw_bits_of_f64(x) >> 63 != 0;
    result = is_negative && is_odd ? -result : result;
    result = x < 0.0 && x > -infinity && !is_integer ? not_a_number : result;
    result = x != x ? x : result;
    result = y != y ? y : result;
    result = x == 1.0 || y == 0.0 ? 1.0 : result;
    return (float)result;
}

/// The angle of the point (x, y), in -π...π: a quotient in 0...1 of the two magnitudes, turned by π/4 beyond tan π/8,
/// and the series of the arc tangent.
MW_ALWAYS_INLINE float mw_atan2_f32(float y_single, float x_single) {
    const double x = x_single, y = y_single;
    const double infinity = mw_f64_of(0x7ff0000000000000u);
    double across = mw_abs_f64(x);
    double up = mw_abs_f64(y);
    const int is_steep = up > across;
    double small = is_steep ? across : up;
    double large = is_steep ? up : across;
    // inf / inf is the diagonal, and 0 / 0 the axis.
    small = small == infinity ? 1.0 : small;
    large = large == infinity && across == up ? 1.0 : large;
    large = large == 0.0 ? 1.0 : large;
    const int is_turned = small > 0x1.a827999fcef32p-2 * large;
    const double numerator = is_turned ? small - large : small;
    const double denominator = is_turned ? small + large : large;
    const double t = numerator / denominator;
    const double z = t * t;
    const double z4 = (z * z) * (z * z);
    const double high = mw_cubic(z, -1.0 / 19.0, 1.0 / 21.0, -1.0 / 23.0, 1.0 / 25.0);
    const double middle = mw_cubic(z, -1.0 / 11.0, 1.0 / 13.0, -1.0 / 15.0, 1.0 / 17.0) + high * z4;
    const double p = mw_cubic(z, -1.0 / 3.0, 1.0 / 5.0, -1.0 / 7.0, 1.0 / 9.0) + middle * z4;
    double angle = t + t * (p * z);
    angle = is_turned ? angle + 0x1.921fb54442d18p-1 : angle;
    angle = is_steep ? 0x1.921fb54442d18p0 - angle : angle;
    angle = mw_bits_of_f64(x) >> 63 != 0 ? 0x1.921fb54442d18p1 - angle : angle;
    angle = mw_with_sign_f64(angle, y);
    angle = x != x || y != y ? x + y : angle;
    return (float)angle;
}

/// √(x² + y²) without overflow on the way: both squares are exact in f64. Infinite with an infinite operand, even beside
/// NaN.
MW_ALWAYS_INLINE float mw_hypot_f32(float x_single, float y_single) {
    const double x = x_single, y = y_single;
    const double infinity = mw_f64_of(0x7ff0000000000000u);
    const double result = __builtin_elementwise_sqrt(x * x + y * y);
    const int is_infinite = mw_abs_f64(x) == infinity || mw_abs_f64(y) == infinity;
    return (float)(is_infinite ? infinity : result);
}

/// ln(e^x + e^y) = max + ln(1 + e^-|x - y|).
MW_ALWAYS_INLINE float mw_log_add_exp_f32(float x_single, float y_single) {
    const double x = x_single, y = y_single;
    const double larger = x > y ? x : y;
    const double difference = x > y ? y - x : x - y;
    const double e = mw_exp2_for_f32(difference * 0x1.71547652b82fep0);
    double result = larger + mw_log_of_ratio(e / (2.0 + e));
    // Equal infinities have no difference.
    result = x == y ? x + 0x1.62e42fefa39efp-1 : result;
    result = x != x || y != y ? x + y : result;
    return (float)result;
}

// Of a division with the remainder `rest` that C's fmod gives, what Python and NumPy answer: the quotient toward -inf, and
// the remainder with the divisor's sign.
#define MW_FLOORED_DIVISION(suffix, FLOAT, with_sign)                                                                 \
    MW_ALWAYS_INLINE FLOAT mw_floor_remainder_##suffix(FLOAT y, FLOAT rest) {                                          \
        const FLOAT moved = (y < 0) != (rest < 0) ? rest + y : rest;                                                   \
        return rest != 0 ? moved : y != 0 ? with_sign(0, y) : rest;                                                    \
    }                                                                                                                  \
    MW_ALWAYS_INLINE FLOAT mw_floor_quotient_##suffix(FLOAT x, FLOAT y, FLOAT rest) {                                  \
        FLOAT quotient = (x - rest) / y;                                                                               \
        quotient = rest != 0 && (y < 0) != (rest < 0) ? quotient - 1 : quotient;                                       \
        FLOAT floored = __builtin_elementwise_floor(quotient);                                                         \
        floored = quotient - floored > (FLOAT)0.5 ? floored + 1 : floored;                                             \
        floored = quotient == 0 ? with_sign(0, x / y) : floored;                                                       \
        return y == 0 ? x / y : floored;                                                                               \
    }

MW_FLOORED_DIVISION(f32, float, mw_with_sign_f32)
MW_FLOORED_DIVISION(f64, double, mw_with_sign_f64)

// Quotients of integers toward zero; of a division by 0, which callers have refused, 0, so that nothing is undefined. The
// smallest number divided by -1 wraps around. What is below 64 bits divides as a float that holds it exactly, where
// processors divide several at once: a quotient that is no integer is further from one than the float's rounding.
#define MW_QUOTIENT_AS_FLOAT(suffix, INTEGER, FLOAT, WIDE)                                                            \
    MW_ALWAYS_INLINE INTEGER mw_quotient_##suffix(INTEGER x, INTEGER y) {                                              \
        const FLOAT quotient = (FLOAT)x / (FLOAT)(y == 0 ? (INTEGER)1 : y);                                            \
        return y == 0 ? 0 : (INTEGER)(WIDE)quotient;                                                                   \
    }

MW_QUOTIENT_AS_FLOAT(i8, int8_t, float, int32_t)
MW_QUOTIENT_AS_FLOAT(i16, int16_t, float, int32_t)
MW_QUOTIENT_AS_FLOAT(u8, uint8_t, float, int32_t)
MW_QUOTIENT_AS_FLOAT(u16, uint16_t, float, int32_t)
MW_QUOTIENT_AS_FLOAT(u32, uint32_t, double, uint32_t)

MW_ALWAYS_INLINE int32_t mw_quotient_i32(int32_t x, int32_t y) {
    const double quotient = (double)x / (double)(y == 0 || y == -1 ? 1 : y);
    const int32_t truncated = (int32_t)quotient;
    return y == 0 ? 0 : y == -1 ? (int32_t)(0u - (uint32_t)x) : truncated;
}

MW_ALWAYS_INLINE int64_t mw_quotient_i64(int64_t x, int64_t y) {
    return y == 0 ? 0 : y == -1 ? (int64_t)(0u - (uint64_t)x) : x / y;
}

MW_ALWAYS_INLINE uint64_t mw_quotient_u64(uint64_t x, uint64_t y) {
    return y == 0 ? 0 : x / y;
}

// The other two answers of a division, from its quotient toward zero. Of a division by 0, both are 0.
#define MW_INTEGER_DIVISION(suffix, INTEGER, UNSIGNED, is_signed)                                                     \
    MW_ALWAYS_INLINE INTEGER mw_truncated_remainder_##suffix(INTEGER x, INTEGER y) {                                   \
        const INTEGER quotient = mw_quotient_##suffix(x, y);                                                           \
        const INTEGER rest = (INTEGER)(UNSIGNED)(1u * (UNSIGNED)x - 1u * (UNSIGNED)quotient * (UNSIGNED)y);            \
        return y == 0 ? 0 : rest;                                                                                      \
    }                                                                                                                  \
    MW_ALWAYS_INLINE INTEGER mw_floor_quotient_##suffix(INTEGER x, INTEGER y) {                                        \
        const INTEGER quotient = mw_quotient_##suffix(x, y);                                                           \
        const INTEGER rest = mw_truncated_remainder_##suffix(x, y);                                                    \
        const int is_moved = is_signed & (rest != 0) & ((rest ^ y) < 0);                                               \
        return (INTEGER)(UNSIGNED)(1u * (UNSIGNED)quotient - (UNSIGNED)is_moved);                                      \
    }                                                                                                                  \
    MW_ALWAYS_INLINE INTEGER mw_floor_remainder_##suffix(INTEGER x, INTEGER y) {                                       \
        const INTEGER rest = mw_truncated_remainder_##suffix(x, y);                                                    \
        const int is_moved = is_signed & (rest != 0) & ((rest ^ y) < 0);                                               \
        return (INTEGER)(UNSIGNED)(1u * (UNSIGNED)rest + (is_moved ? (UNSIGNED)y : 0u));                               \
    }

MW_INTEGER_DIVISION(i8, int8_t, uint8_t, 1)
MW_INTEGER_DIVISION(i16, int16_t, uint16_t, 1)
MW_INTEGER_DIVISION(i32, int32_t, uint32_t, 1)
MW_INTEGER_DIVISION(i64, int64_t, uint64_t, 1)
MW_INTEGER_DIVISION(u8, uint8_t, uint8_t, 0)
MW_INTEGER_DIVISION(u16, uint16_t, uint16_t, 0)
MW_INTEGER_DIVISION(u32, uint32_t, uint32_t, 0)
MW_INTEGER_DIVISION(u64, uint64_t, uint64_t, 0)

/// x^y modulo the type's range, by squaring. The exponent is not negative.
#define MW_INTEGER_POWER(width)                                                                                       \
    MW_ALWAYS_INLINE uint##width##_t mw_power_u##width(uint##width##_t x, uint##width##_t y) {                         \
        uint##width##_t power = 1;                                                                                     \
        for (; y != 0; y >>= 1) {                                                                                      \
            power = (uint##width##_t)((y & 1) != 0 ? 1u * power * x : power);                                          \
            x = (uint##width##_t)(1u * x * x);                                                                         \
        }                                                                                                              \
        return power;                                                                                                  \
    }

MW_INTEGER_POWER(8)
MW_INTEGER_POWER(16)
MW_INTEGER_POWER(32)
MW_INTEGER_POWER(64)

#endif
