// Functions of two f64 in operations that every path carries out alike, so that their bits agree: within 0.6 ULP, but
// for the logarithm of a sum, a sum itself of a number and a logarithm, each of which is within 1 ULP.
//
// Branch-free, so that the loops around them vectorise.
#ifndef MESHWORK_BINARY_MATH_F64_H
#define MESHWORK_BINARY_MATH_F64_H

#include "../Math/exponential.h"
#include "../Math/inverse_trigonometric.h"
#include "../Math/logarithm.h"

/// A number as the sum of two, the second of which is some 2^-53 of the first.
typedef struct mw_double_f64 {
    double high;
    double low;
} mw_double_f64;

/// log₂ x of x > 0, within 2^-65 of itself. With x = 2^e m, m in [√½, √2), and s = (m - 1) / (m + 1), ln m is
/// 2s + s³ (2/3 + s² Q(s²)), the series of 2 artanh s; all but Q in two parts.
MW_ALWAYS_INLINE mw_double_f64 mw_log2_in_two_parts(double x) {
    const mw_log_parts parts = mw_log_parts_of_any(x, MW_FOR_F64);
    const double f = parts.fraction;
    const double sum = 2 + f;
    const double sum_low = f - (sum - 2);
    const double s = f / sum;
    const double s_low = MW_FMA_F64(-s, sum_low, MW_FMA_F64(-s, sum, f)) / sum;
    const double z = s * s;
    const double z_low = MW_FMA_F64(2 * s, s_low, MW_FMA_F64(s, s, -z));
    double q = 2.0 / 27.0;
    q = MW_FMA_F64(q, z, 2.0 / 25.0);
    q = MW_FMA_F64(q, z, 2.0 / 23.0);
    q = MW_FMA_F64(q, z, 2.0 / 21.0);
    q = MW_FMA_F64(q, z, 2.0 / 19.0);
    q = MW_FMA_F64(q, z, 2.0 / 17.0);
    q = MW_FMA_F64(q, z, 2.0 / 15.0);
    q = MW_FMA_F64(q, z, 2.0 / 13.0);
    q = MW_FMA_F64(q, z, 2.0 / 11.0);
    q = MW_FMA_F64(q, z, 2.0 / 9.0);
    q = MW_FMA_F64(q, z, 2.0 / 7.0);
    q = MW_FMA_F64(q, z, 2.0 / 5.0);
    // 2/3 is 0x1.5555555555555p-1 + 0x1.5555555555555p-55.
    const double addend = q * z;
    const double p = 0x1.5555555555555p-1 + addend;
    const double p_low = addend - (p - 0x1.5555555555555p-1) + 0x1.5555555555555p-55;
    const double cube = z * s;
    const double cube_low = MW_FMA_F64(z, s, -cube) + MW_FMA_F64(z, s_low, z_low * s);
    const double tail = cube * p;
    const double tail_low = MW_FMA_F64(cube, p, -tail) + MW_FMA_F64(cube, p_low, cube_low * p);
    const double log = MW_FMA_F64(2, s, tail);
    const double log_low = (tail - MW_FMA_F64(-2, s, log)) + MW_FMA_F64(2, s_low, tail_low);
    // 1 / ln 2 in two parts.
    const double c = 0x1.71547652b82fep0, c_low = 0x1.777d0ffda0d24p-56;
    const double product = log * c;
    const double product_low = MW_FMA_F64(log, c, -product) + MW_FMA_F64(log, c_low, log_low * c);
    const double high = parts.exponent + product;
    return (mw_double_f64){high, ((parts.exponent - high) + product) + product_low};
}

/// x^y, with the special values of IEEE 754 and C: 1^y and x^0 are 1, with NaN too.
MW_ALWAYS_INLINE double mw_power_f64(double x, double y) {
    const double magnitude = mw_abs_f64(x);
    const mw_double_f64 logarithm = mw_log2_in_two_parts(magnitude);
    const double exponent = y * logarithm.high;
    const int is_in_range = mw_abs_f64(exponent) < 1100;
    const double bounded = is_in_range ? exponent : exponent > 0 ? 1100 : -1100;
    const double rest = MW_FMA_F64(y, logarithm.low, MW_FMA_F64(y, logarithm.high, -exponent));
    double result = mw_exp2_of_parts_f64(bounded, is_in_range ? rest : 0);
    const int grows = y > 0;
    result = magnitude == 0 ? (grows ? 0 : MW_INFINITY_F64) : result;
    result = magnitude == MW_INFINITY_F64 ? (grows ? MW_INFINITY_F64 : 0) : result;
    result = magnitude == 1 ? 1 : result;
    // From 2^53 on, every f64 is an even integer.
    const double countable = mw_abs_f64(y) < 0x1p53 ? y : 0;
    const int is_integer = __builtin_elementwise_floor(countable) == countable;
    const int is_odd = is_integer & (__builtin_elementwise_floor(countable * 0.5) != countable * 0.5);
    const int is_negative = mw_bits_of_f64(x) >> 63 != 0;
    const int turns_sign = is_negative & is_odd;
    result = turns_sign ? -result : result;
    const int has_no_power = (x < 0) & (x > -MW_INFINITY_F64) & !is_integer;
    result = has_no_power ? MW_NAN_F64 : result;
    result = x != x ? x : result;
    result = y != y ? y : result;
    const int is_one = (x == 1) | (y == 0);
    return is_one ? 1 : result;
}

/// The angle of the point (x, y), in -π...π.
MW_ALWAYS_INLINE double mw_atan2_f64(double y, double x) {
    double up = mw_abs_f64(y), across = mw_abs_f64(x);
    // inf / inf is the diagonal, and 0 / 0 the axis.
    const int is_diagonal = (up == MW_INFINITY_F64) & (across == MW_INFINITY_F64);
    const int has_no_ratio = is_diagonal | ((up == 0) & (across == 0));
    up = is_diagonal ? 1 : up;
    across = has_no_ratio ? 1 : across;
    // Twice the numbers, and their sum, have room in f64.
    const double scale = up > 1 ? 0.25 : 4;
    const double arc = mw_arc_of_ratio_f64(up / across, up * scale, across * scale);
    const double turned = 0x1.921fb54442d18p1 - (arc - 0x1.1a62633145c07p-53);
    const double angle = mw_with_sign_f64(mw_bits_of_f64(x) >> 63 != 0 ? turned : arc, y);
    const int is_unordered = (x != x) | (y != y);
    return is_unordered ? x + y : angle;
}

/// √(x² + y²) without overflow on the way, and with the rounding of the squares and of their sum taken back (C. Borges,
/// "An improved algorithm for hypot(a,b)", 2019). Infinite with an infinite operand, even beside NaN.
MW_ALWAYS_INLINE double mw_hypot_f64(double x, double y) {
    const double left = mw_abs_f64(x), right = mw_abs_f64(y);
    const double larger = left > right ? left : right;
    const int is_large = larger > 0x1p500, is_small = larger < 0x1p-450;
    const double scale = is_large ? 0x1p-600 : is_small ? 0x1p600 : 1;
    const double back = is_large ? 0x1p600 : is_small ? 0x1p-600 : 1;
    const double a = larger * scale;
    const double b = (left > right ? right : left) * scale;
    const double root = __builtin_elementwise_sqrt(MW_FMA_F64(b, b, a * a));
    const double root_square = root * root, square = a * a;
    const double excess = MW_FMA_F64(-b, b, root_square - square) + MW_FMA_F64(root, root, -root_square)
        - MW_FMA_F64(a, a, -square);
    double result = (root - (root == 0 ? 0 : excess / (2 * root))) * back;
    const int is_unordered = (x != x) | (y != y);
    result = is_unordered ? x + y : result;
    const int is_infinite = (left == MW_INFINITY_F64) | (right == MW_INFINITY_F64);
    return is_infinite ? MW_INFINITY_F64 : result;
}

/// ln(e^x + e^y) = max + ln(1 + e^-|x - y|).
MW_ALWAYS_INLINE double mw_log_add_exp_f64(double x, double y) {
    const double larger = x > y ? x : y;
    const double difference = x > y ? y - x : x - y;
    double result = larger + mw_log1p_f64(mw_exp_f64(difference, MW_FOR_F64), MW_FOR_F64);
    // Equal infinities have no difference.
    result = x == y ? x + 0x1.62e42fefa39efp-1 : result;
    const int is_unordered = (x != x) | (y != y);
    return is_unordered ? x + y : result;
}

#endif
