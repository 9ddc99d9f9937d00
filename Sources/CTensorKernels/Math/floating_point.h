// Bits of floating-point numbers, and the fused multiply-add that gives the same bits on every path.
#ifndef MESHWORK_FLOATING_POINT_H
#define MESHWORK_FLOATING_POINT_H

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

MW_ALWAYS_INLINE uint64_t mw_bits_of_f64(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

MW_ALWAYS_INLINE double mw_f64_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define MW_INFINITY_F32 __builtin_inff()
#define MW_NAN_F32 mw_float_of(0x7fc00000u)
#define MW_INFINITY_F64 __builtin_inf()
#define MW_NAN_F64 mw_f64_of(0x7ff8000000000000u)

/// |x|, of which NaN is NaN.
MW_ALWAYS_INLINE float mw_abs_f32(float x) {
    return mw_float_of(mw_bits_of(x) & 0x7fffffffu);
}

MW_ALWAYS_INLINE double mw_abs_f64(double x) {
    return mw_f64_of(mw_bits_of_f64(x) & 0x7fffffffffffffffu);
}

/// A magnitude that is not negative, with the sign of another number: odd functions keep -0 and their symmetry so.
MW_ALWAYS_INLINE float mw_with_sign_f32(float magnitude, float sign) {
    return mw_float_of(mw_bits_of(magnitude) | (mw_bits_of(sign) & 0x80000000u));
}

MW_ALWAYS_INLINE double mw_with_sign_f64(double magnitude, double sign) {
    return mw_f64_of(mw_bits_of_f64(magnitude) | (mw_bits_of_f64(sign) & 0x8000000000000000u));
}

/// 2^n for n in -126...127, of two's complement bits.
MW_ALWAYS_INLINE float mw_power_of_two_f32(uint32_t n) {
    return mw_float_of((n + 127) << 23);
}

/// 2^n for n in -1022...1023, of two's complement bits.
MW_ALWAYS_INLINE double mw_power_of_two_f64(uint64_t n) {
    return mw_f64_of((n + 1023) << 52);
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

/// The same for f64. Where the path has no instruction it is a call of the C library's fma, which rounds once too.
#define MW_FMA_F64(x, y, z) __builtin_elementwise_fma((double)(x), (double)(y), (double)(z))

/// How good a function that computes in f64 has to be: its result is rounded to f32 (a relative error of 2^-30 goes
/// unseen but for one result in hundreds), or is the result. A constant wherever it is given, so that one is left.
typedef enum mw_precision {
    MW_FOR_F32,
    MW_FOR_F64,
} mw_precision;

#endif
