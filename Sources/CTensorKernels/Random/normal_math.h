// The functions beneath the random distributions, in additions, multiplications and square roots only, each rounded
// once: the same bits on every machine. **They are frozen**: a more accurate logarithm would change numbers that
// checkpoints rely on, so they share nothing with the elementwise functions, which may improve.
#ifndef MESHWORK_NORMAL_MATH_H
#define MESHWORK_NORMAL_MATH_H

#include "../Elementwise/float_math.h"

#include <stdbool.h>

/// ln u for a normal f32 in (0, 1]: as `mw_log`, without fused operations (coefficients of Cephes' logf, S. Moshier).
MW_ALWAYS_INLINE float mw_random_log_f32(float u) {
    const uint32_t shifted = mw_bits_of(u) - 0x3f3504f3u;
    const float e = (float)((int32_t)shifted >> 23);
    const float f = mw_float_of((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    const float z = f * f;
    float p = 7.0376836292e-2f;
    p = p * f + -1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f + -1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f + -1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f + -2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    float tail = z * f * p;
    tail = e * -2.12194440e-4f + tail;
    tail = z * -0.5f + tail;
    return e * 0.693359375f + (f + tail);
}

/// cos(2π w / 2^32) and sin(2π w / 2^32). The integer is reduced to an eighth of a turn on either side of a quarter
/// exactly; polynomials of Cephes' sinf and cosf.
MW_ALWAYS_INLINE void mw_random_turn_f32(uint32_t w, float *cosine, float *sine) {
    const uint32_t quarter = (w + 0x20000000u) >> 30;
    const float x = (float)(int32_t)(w - (quarter << 30)) * 0x1.921fb6p-30f;
    const float z = x * x;
    const float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z + -1.6666654611e-1f) * (z * x) + x;
    const float c = ((2.443315711809948e-5f * z + -1.388731625493765e-3f) * z + 4.166664568298827e-2f) * (z * z) +
                    (-0.5f * z + 1.0f);
    const float a = quarter & 1 ? s : c;
    const float b = quarter & 1 ? c : s;
    *cosine = mw_float_of(mw_bits_of(a) ^ ((quarter + 1) & 2) << 30);
    *sine = mw_float_of(mw_bits_of(b) ^ (quarter & 2) << 30);
}

/// An integer below 2^53 as a double, without an instruction for it that only AVX-512 has.
MW_ALWAYS_INLINE double mw_f64_of_integer(uint64_t value) {
    const double low = mw_f64_of((value & 0xffffffffu) | 0x4330000000000000u) - 0x1p52;
    const double high = mw_f64_of((value >> 32) | 0x4330000000000000u) - 0x1p52;
    return high * 0x1p32 + low;
}

/// ln u for a positive normal f64, as FreeBSD's e_log.c: with u = 2^e (1 + f), s = f / (2 + f) and a polynomial in s².
MW_ALWAYS_INLINE double mw_random_log_f64(double u) {
    const uint64_t shifted = mw_bits_of_f64(u) - 0x3fe6a09e667f3bcdu;
    // 1024 added makes the exponent positive for the conversion.
    const double e = mw_f64_of_integer((shifted + (UINT64_C(1024) << 52)) >> 52) - 1024.0;
    const double f = mw_f64_of((shifted & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double w = z * z;
    const double t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    const double t2 = z * (6.666666666666735130e-01 +
                           w * (2.857142874366239149e-01 +
                                w * (1.818357216161805012e-01 + w * 1.479819860510181591e-01)));
    const double half = 0.5 * f * f;
    return e * 6.93147180369123816490e-01 - ((half - (s * (half + (t1 + t2)) + e * 1.90821492927058770002e-10)) - f);
}

/// e^x for x at most 0, as FreeBSD's e_exp.c: x = k ln 2 + r, and a rational function of r; 0 from about -745 down.
MW_ALWAYS_INLINE double mw_random_exp_f64(double x) {
    const double least = -745.2;
    const bool is_nothing = x < least;
    x = is_nothing ? least : x;
    // The sum's last bits are the nearest integer: of -1074 and up, with 2048 added for a positive number.
    const double shifted = (x * 1.44269504088896338700e+00 + 2048.0) + 0x1p52;
    const double k = (shifted - 0x1p52) - 2048.0;
    const double high = x - k * 6.93147180369123816490e-01;
    const double low = k * 1.90821492927058770002e-10;
    const double r = high - low;
    const double t = r * r;
    const double c =
        r - t * (1.66666666666666019037e-01 +
                 t * (-2.77777777770155933842e-03 +
                      t * (6.61375632143793436117e-05 +
                           t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
    const double y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    // In two steps, so that what is subnormal in the end is rounded once.
    const uint64_t power = (mw_bits_of_f64(shifted) & 0xfff) - 2048u + 1023u + 64u;
    const double value = y * mw_f64_of(power << 52) * 0x1p-64;
    return is_nothing ? 0.0 : value;
}

/// cos(2π w / 2^64) and sin(2π w / 2^64), as FreeBSD's k_cos.c and k_sin.c within an eighth of a turn.
MW_ALWAYS_INLINE void mw_random_turn_f64(uint64_t w, double *cosine, double *sine) {
    const uint64_t quarter = (w + (UINT64_C(1) << 61)) >> 62;
    // 51 bits with their sign, moved into the positive numbers for the conversion.
    const uint64_t rest = w - (quarter << 62);
    const double x = (mw_f64_of_integer((rest + (UINT64_C(1) << 62)) >> 11) - 0x1p51) * 0x1.921fb54442d18p-51;
    const double z = x * x;
    const double s =
        x + z * x *
                (-1.66666666666666324348e-01 +
                 z * (8.33333333332248946124e-03 +
                      z * (-1.98412698298579493134e-04 +
                           z * (2.75573137070700676789e-06 +
                                z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
    const double c =
        (1.0 - 0.5 * z) +
        z * z *
            (4.16666666666666019037e-02 +
             z * (-1.38888888888741095749e-03 +
                  z * (2.48015872894767294178e-05 +
                       z * (-2.75573143513906633035e-07 +
                            z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
    const double a = quarter & 1 ? s : c;
    const double b = quarter & 1 ? c : s;
    *cosine = mw_f64_of(mw_bits_of_f64(a) ^ ((quarter + 1) & 2) << 62);
    *sine = mw_f64_of(mw_bits_of_f64(b) ^ (quarter & 2) << 62);
}

/// The number below which a standard normal one lies with probability p in (0, 1): Wichura, "Algorithm AS 241: The
/// percentage points of the normal distribution" (Applied Statistics 37, 1988), PPND16, about 16 digits.
static inline double mw_normal_quantile(double p) {
    const double q = p - 0.5;
    if (q <= 0.425 && q >= -0.425) {
        const double r = 0.180625 - q * q;
        const double numerator =
            ((((((2.5090809287301226727e+3 * r + 3.3430575583588128105e+4) * r + 6.7265770927008700853e+4) * r +
                4.5921953931549871457e+4) * r + 1.3731693765509461125e+4) * r + 1.9715909503065514427e+3) * r +
             1.3314166789178437745e+2) * r + 3.3871328727963666080e+0;
        const double denominator =
            ((((((5.2264952788528545610e+3 * r + 2.8729085735721942674e+4) * r + 3.9307895800092710610e+4) * r +
                2.1213794301586595867e+4) * r + 5.3941960214247511077e+3) * r + 6.8718700749205790830e+2) * r +
             4.2313330701600911252e+1) * r + 1.0;
        return q * numerator / denominator;
    }
    double r = __builtin_elementwise_sqrt(-mw_random_log_f64(q < 0 ? p : 1.0 - p));
    double numerator, denominator;
    if (r <= 5.0) {
        r = r - 1.6;
        numerator = ((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) *
                            r + 1.27045825245236838258e+0) * r + 3.64784832476320460504e+0) * r +
                      5.76949722146069140550e+0) * r + 4.63033784615654529590e+0) * r + 1.42343711074968357734e+0;
        denominator = ((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r +
                           1.51986665636164571966e-2) * r + 1.48103976427480074590e-1) * r +
                         6.89767334985100004550e-1) * r + 1.67638483018380384940e+0) * r +
                       2.05319162663775882187e+0) * r + 1.0;
    } else {
        r = r - 5.0;
        numerator = ((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) *
                            r + 2.65321895265761230930e-2) * r + 2.96560571828504891230e-1) * r +
                      1.78482653991729133580e+0) * r + 5.46378491116411436990e+0) * r + 6.65790464350110377720e+0;
        denominator = ((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r +
                           1.84631831751005468180e-5) * r + 7.86869131145613259100e-4) * r +
                         1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r +
                       5.99832206555887937690e-1) * r + 1.0;
    }
    const double magnitude = numerator / denominator;
    return q < 0 ? -magnitude : magnitude;
}

#endif
