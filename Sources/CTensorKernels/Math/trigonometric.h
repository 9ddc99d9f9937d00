// Sine, cosine and tangent in operations that every path carries out alike, so that their bits agree.
//
// The argument is |x| = n π/2 + r with |r| ≤ π/4 (a little more at the ends), π/2 in three parts (Cody & Waite 1980,
// chapter 8). n times the first part, taken from |x| by a fused multiply-add, is exact; what is left has a relative
// error of a unit in the last place, for no f32 or f64 in range is nearer to a multiple of π/2 than the third part
// reaches. Beyond the range the C library reduces the argument (by Payne & Hanek's method): row functions send it
// there.
#ifndef MESHWORK_TRIGONOMETRIC_H
#define MESHWORK_TRIGONOMETRIC_H

#include "floating_point.h"

#include <math.h>

/// The largest |x| of which the functions below are good.
#define MW_TRIGONOMETRIC_LIMIT_F32 0x1p17f
#define MW_TRIGONOMETRIC_LIMIT_F64 0x1p20

/// r of |x| and, as two's complement bits, n.
MW_ALWAYS_INLINE uint32_t mw_reduce_by_half_pi(float magnitude, float *rest) {
    const float shifter = 0x1.8p23f;
    const float shifted = MW_FMA(magnitude, 0x1.45f306p-1f, shifter);
    const float n = shifted - shifter;
    float r = MW_FMA(n, -0x1.921fb6p0f, magnitude);
    r = MW_FMA(n, 0x1.777a5cp-25f, r);
    *rest = MW_FMA(n, 0x1.ee59dap-50f, r);
    return mw_bits_of(shifted) - mw_bits_of(shifter);
}

/// sin(r) if the quadrant is even, else cos(r), negative in quadrants 2 and 3 (coefficients of Cephes' sinf, S.
/// Moshier).
MW_ALWAYS_INLINE float mw_sin_of_quadrant(float r, uint32_t quadrant) {
    const float z = r * r;
    float s = MW_FMA(z, -1.9515295891e-4f, 8.3321608736e-3f);
    s = MW_FMA(s, z, -1.6666654611e-1f);
    const float sine = MW_FMA(r * z, s, r);
    float c = MW_FMA(z, 2.443315711809948e-5f, -1.388731625493765e-3f);
    c = MW_FMA(c, z, 4.166664568298827e-2f);
    const float cosine = MW_FMA(z * z, c, MW_FMA(z, -0.5f, 1.0f));
    const float value = (quadrant & 1) != 0 ? cosine : sine;
    return mw_float_of(mw_bits_of(value) ^ ((quadrant & 2) << 30));
}

/// sin x for |x| up to the limit.
MW_ALWAYS_INLINE float mw_sin(float x) {
    float r;
    const uint32_t quadrant = mw_reduce_by_half_pi(mw_abs_f32(x), &r);
    return mw_float_of(mw_bits_of(mw_sin_of_quadrant(r, quadrant)) ^ (mw_bits_of(x) & 0x80000000u));
}

/// cos x for |x| up to the limit.
MW_ALWAYS_INLINE float mw_cos(float x) {
    float r;
    const uint32_t quadrant = mw_reduce_by_half_pi(mw_abs_f32(x), &r);
    return mw_sin_of_quadrant(r, quadrant + 1);
}

MW_ALWAYS_INLINE uint64_t mw_reduce_by_half_pi_f64(double magnitude, double *rest) {
    const double shifter = 0x1.8p52;
    const double shifted = MW_FMA_F64(magnitude, 0x1.45f306dc9c883p-1, shifter);
    const double n = shifted - shifter;
    double r = MW_FMA_F64(n, -0x1.921fb54442d18p0, magnitude);
    r = MW_FMA_F64(n, -0x1.1a62633145c07p-54, r);
    *rest = MW_FMA_F64(n, 0x1.f1976b7ed8fbcp-110, r);
    return mw_bits_of_f64(shifted) - mw_bits_of_f64(shifter);
}

/// Coefficients of FreeBSD's k_sin.c.
MW_ALWAYS_INLINE double mw_sin_near_zero_f64(double r) {
    const double z = r * r;
    double s = 1.58969099521155010221e-10;
    s = MW_FMA_F64(s, z, -2.50507602534068634195e-08);
    s = MW_FMA_F64(s, z, 2.75573137070700676789e-06);
    s = MW_FMA_F64(s, z, -1.98412698298579493134e-04);
    s = MW_FMA_F64(s, z, 8.33333333332248946124e-03);
    s = MW_FMA_F64(s, z, -1.66666666666666324348e-01);
    return MW_FMA_F64(r * z, s, r);
}

/// Coefficients of FreeBSD's k_cos.c.
MW_ALWAYS_INLINE double mw_cos_near_zero_f64(double r) {
    const double z = r * r;
    double c = -1.13596475577881948265e-11;
    c = MW_FMA_F64(c, z, 2.08757232129817482790e-09);
    c = MW_FMA_F64(c, z, -2.75573143513906633035e-07);
    c = MW_FMA_F64(c, z, 2.48015872894767294178e-05);
    c = MW_FMA_F64(c, z, -1.38888888888741095749e-03);
    c = MW_FMA_F64(c, z, 4.16666666666666019037e-02);
    const double half_square = 0.5 * z;
    const double upper = 1 - half_square;
    // 1 - z/2 and what it lost.
    return upper + MW_FMA_F64(z * z, c, (1 - upper) - half_square);
}

MW_ALWAYS_INLINE double mw_sin_of_quadrant_f64(double r, uint64_t quadrant) {
    const double value = (quadrant & 1) != 0 ? mw_cos_near_zero_f64(r) : mw_sin_near_zero_f64(r);
    return mw_f64_of(mw_bits_of_f64(value) ^ ((quadrant & 2) << 62));
}

MW_ALWAYS_INLINE double mw_sin_f64(double x) {
    double r;
    const uint64_t quadrant = mw_reduce_by_half_pi_f64(mw_abs_f64(x), &r);
    return mw_f64_of(mw_bits_of_f64(mw_sin_of_quadrant_f64(r, quadrant)) ^ (mw_bits_of_f64(x) & 0x8000000000000000u));
}

MW_ALWAYS_INLINE double mw_cos_f64(double x) {
    double r;
    const uint64_t quadrant = mw_reduce_by_half_pi_f64(mw_abs_f64(x), &r);
    return mw_sin_of_quadrant_f64(r, quadrant + 1);
}

/// sin r / cos r, or its negative reciprocal.
MW_ALWAYS_INLINE double mw_tan_f64(double x) {
    double r;
    const uint64_t quadrant = mw_reduce_by_half_pi_f64(mw_abs_f64(x), &r);
    const double sine = mw_sin_near_zero_f64(r);
    const double cosine = mw_cos_near_zero_f64(r);
    const int is_odd = (quadrant & 1) != 0;
    const double tangent = (is_odd ? -cosine : sine) / (is_odd ? sine : cosine);
    return mw_f64_of(mw_bits_of_f64(tangent) ^ (mw_bits_of_f64(x) & 0x8000000000000000u));
}

#endif
