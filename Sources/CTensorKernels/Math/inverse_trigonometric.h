// Arcsine, arccosine and arctangent in operations that every path carries out alike, so that their bits agree.
#ifndef MESHWORK_INVERSE_TRIGONOMETRIC_H
#define MESHWORK_INVERSE_TRIGONOMETRIC_H

#include "floating_point.h"

/// (asin(√z) - √z) / √z for z in [0, ¼]: z P(z) / Q(z) (coefficients of FreeBSD's e_asin.c).
MW_ALWAYS_INLINE double mw_asin_ratio_f64(double z) {
    double p = 3.47933107596021167570e-05;
    p = MW_FMA_F64(p, z, 7.91534994289814532176e-04);
    p = MW_FMA_F64(p, z, -4.00555345006794114027e-02);
    p = MW_FMA_F64(p, z, 2.01212532134862925881e-01);
    p = MW_FMA_F64(p, z, -3.25565818622400915405e-01);
    p = MW_FMA_F64(p, z, 1.66666666666666657415e-01);
    double q = 7.70381505559019352791e-02;
    q = MW_FMA_F64(q, z, -6.88283971605453293030e-01);
    q = MW_FMA_F64(q, z, 2.02094576023350569471e+00);
    q = MW_FMA_F64(q, z, -2.40339491173441421878e+00);
    q = MW_FMA_F64(q, z, 1.0);
    return z * p / q;
}

/// asin of |x| ≤ ½ by the ratio, and above by asin x = π/2 - 2 asin(√((1 - x) / 2)).
MW_ALWAYS_INLINE double mw_asin_f64(double x) {
    const double magnitude = mw_abs_f64(x);
    const int is_small = magnitude <= 0.5;
    const double z = is_small ? magnitude * magnitude : 0.5 * (1 - magnitude);
    const double root = is_small ? magnitude : __builtin_elementwise_sqrt(z);
    const double arc = MW_FMA_F64(root, mw_asin_ratio_f64(z), root);
    const double half_pi = 0x1.921fb54442d18p0, half_pi_low = 0x1.1a62633145c07p-54;
    const double large = half_pi - MW_FMA_F64(2, arc, -half_pi_low);
    const double result = mw_with_sign_f64(is_small ? arc : large, x);
    return magnitude > 1 ? MW_NAN_F64 : result;
}

/// acos of |x| ≤ ½ as π/2 - asin x; of x above as 2 asin(√((1 - x) / 2)), and of x below as π less that of -x.
MW_ALWAYS_INLINE double mw_acos_f64(double x) {
    const double magnitude = mw_abs_f64(x);
    const int is_small = magnitude <= 0.5;
    const double z = is_small ? magnitude * magnitude : 0.5 * (1 - magnitude);
    const double root = is_small ? magnitude : __builtin_elementwise_sqrt(z);
    const double ratio = mw_asin_ratio_f64(z);
    const double arc = MW_FMA_F64(root, ratio, root);
    const double half_pi = 0x1.921fb54442d18p0, half_pi_low = 0x1.1a62633145c07p-54;
    const double signed_arc = mw_f64_of(mw_bits_of_f64(arc) ^ (mw_bits_of_f64(x) & 0x8000000000000000u));
    const double small = half_pi - (signed_arc - half_pi_low);
    // What the square root lost, which counts where the arc is the whole answer.
    const double lost = z == 0 ? 0 : MW_FMA_F64(-root, root, z) / (2 * root);
    const double near_one = 2 * (root + MW_FMA_F64(root, ratio, lost));
    const double large = x < 0 ? 2 * (half_pi - (arc - half_pi_low)) : near_one;
    const double result = is_small ? small : large;
    return magnitude > 1 ? MW_NAN_F64 : x != x ? x : result;
}

/// atan of ratio = up / across, none of which is negative: atan c + atan((up - c across) / (across + c up)) for c of 0,
/// ½, 1, 1½ and +inf, whichever is near, and of what is left, below 7/16, a polynomial (breakpoints and coefficients of
/// FreeBSD's s_atan.c). Where c is 0 only the ratio counts, elsewhere only the two numbers, so that a caller may scale
/// them, and no quotient is rounded twice.
MW_ALWAYS_INLINE double mw_arc_of_ratio_f64(double ratio, double up, double across) {
    const int past1 = ratio >= 0.4375, past2 = ratio >= 0.6875, past3 = ratio >= 1.1875, past4 = ratio >= 2.4375;
    double numerator = MW_FMA_F64(2, up, -across), denominator = MW_FMA_F64(2, across, up);
    double upper = past1 ? 4.63647609000806093515e-01 : 0;
    double lower = past1 ? 2.26987774529616870924e-17 : 0;
    numerator = past2 ? up - across : numerator;
    denominator = past2 ? up + across : denominator;
    upper = past2 ? 7.85398163397448278999e-01 : upper;
    lower = past2 ? 3.06161699786838301793e-17 : lower;
    numerator = past3 ? MW_FMA_F64(-1.5, across, up) : numerator;
    denominator = past3 ? MW_FMA_F64(1.5, up, across) : denominator;
    upper = past3 ? 9.82793723247329054082e-01 : upper;
    lower = past3 ? 1.39033110312303984516e-17 : lower;
    numerator = past4 ? -across : numerator;
    denominator = past4 ? up : denominator;
    upper = past4 ? 1.57079632679489655800e+00 : upper;
    lower = past4 ? 6.12323399573676603587e-17 : lower;
    const double t = past1 ? numerator / denominator : ratio;
    const double z = t * t;
    double p = 1.62858201153657823623e-02;
    p = MW_FMA_F64(p, z, -3.65315727442169155270e-02);
    p = MW_FMA_F64(p, z, 4.97687799461593236017e-02);
    p = MW_FMA_F64(p, z, -5.83357013379057348645e-02);
    p = MW_FMA_F64(p, z, 6.66107313738753120669e-02);
    p = MW_FMA_F64(p, z, -7.69187620504482999495e-02);
    p = MW_FMA_F64(p, z, 9.09088713343650656196e-02);
    p = MW_FMA_F64(p, z, -1.11111104054623557880e-01);
    p = MW_FMA_F64(p, z, 1.42857142725034663711e-01);
    p = MW_FMA_F64(p, z, -1.99999999998764832476e-01);
    p = MW_FMA_F64(p, z, 3.33333333333329318027e-01);
    return upper + (t - MW_FMA_F64(t, z * p, -lower));
}

/// atan x.
MW_ALWAYS_INLINE double mw_atan_f64(double x) {
    const double magnitude = mw_abs_f64(x);
    const double arc = mw_arc_of_ratio_f64(magnitude, magnitude, 1);
    return x != x ? x : mw_with_sign_f64(arc, x);
}

#endif
