// Conversions of one number to f32 that are rounded once more, in integer operations that every path carries out alike.
//
// Branch-free, so that the loops around them vectorise.
#ifndef MESHWORK_CONVERSION_MATH_H
#define MESHWORK_CONVERSION_MATH_H

#include "float_math.h"

/// Rounded to odd: toward zero, and then to the neighbour whose last bit is 1 unless it was exact. Such a number may be
/// rounded again, to a format with at least two digits less, as if from the original (Boldo & Melquiond 2008, see
/// mw_fused_multiply_add).
MW_ALWAYS_INLINE float mw_odd_f32_of_f64(double x) {
    const float nearest = (float)x;
    const double back = (double)nearest;
    uint32_t bits = mw_bits_of(nearest);
    bits -= mw_abs_f64(back) > mw_abs_f64(x) ? 1u : 0u;
    bits |= back != x ? 1u : 0u;
    return mw_float_of(bits);
}

/// Of 64 bits, an f64 holds 53: what the conversion would round away leaves a mark in the lowest bit that it keeps.
MW_ALWAYS_INLINE float mw_odd_f32_of_u64(uint64_t x) {
    const uint64_t marked = (x & ~(uint64_t)0x7ff) | ((x & 0x7ff) != 0 ? 0x800u : 0u);
    return mw_odd_f32_of_f64((double)(x >> 53 == 0 ? x : marked));
}

MW_ALWAYS_INLINE float mw_odd_f32_of_i64(int64_t x) {
    const float magnitude = mw_odd_f32_of_u64(x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
    return x < 0 ? -magnitude : magnitude;
}

#endif
