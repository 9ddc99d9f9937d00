// References for f32 that take eight numbers at a time, from the vector functions of glibc: within 4 units of f64, and
// some tenfold faster than C's. What they leave in doubt the reference of main.c decides.
#ifndef QUICK_REFERENCE_H
#define QUICK_REFERENCE_H

#include <features.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { block_size = 4096 };

/// Writes the reference of a block of numbers, and an infinity of the other sign than the result's where it has none to
/// trust. `got` are the kernel's results.
typedef void quick_reference(const float *a, const float *got, double *truths);

/// How far, in f32's units in the last place, a quick reference may be from the other one.
#define QUICK_REFERENCE_TOLERANCE 0x1p-12

/// f32's unit in the last place at a number below 2^128: it has the exponent of the number, less 23.
static inline double last_place_f32(double x) {
    double magnitude = fabs(x);
    magnitude = magnitude < 0x1p-126 ? 0x1p-126 : magnitude;
    unsigned long long bits;
    memcpy(&bits, &magnitude, sizeof bits);
    bits = (bits & 0x7ff0000000000000u) - (23ull << 52);
    memcpy(&magnitude, &bits, sizeof bits);
    return magnitude;
}

#if defined(__x86_64__) && defined(__GLIBC__)

#define QUICK __attribute__((target("avx512f,avx512dq"), always_inline)) static inline
#define QUICK_LOOP __attribute__((target("avx512f,avx512dq"))) static

typedef double lanes __attribute__((vector_size(64)));
typedef long long words __attribute__((vector_size(64)));
typedef float half_lanes __attribute__((vector_size(32)));

static bool has_quick_references(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

#define VECTOR_FUNCTION(name) __attribute__((target("avx512f"))) extern lanes _ZGVeN8v_##name(lanes);
VECTOR_FUNCTION(exp) VECTOR_FUNCTION(exp2) VECTOR_FUNCTION(expm1)
VECTOR_FUNCTION(log) VECTOR_FUNCTION(log2) VECTOR_FUNCTION(log10) VECTOR_FUNCTION(log1p)
VECTOR_FUNCTION(sin) VECTOR_FUNCTION(cos) VECTOR_FUNCTION(tan)
VECTOR_FUNCTION(asin) VECTOR_FUNCTION(acos) VECTOR_FUNCTION(atan)
VECTOR_FUNCTION(sinh) VECTOR_FUNCTION(cosh) VECTOR_FUNCTION(tanh)
VECTOR_FUNCTION(asinh) VECTOR_FUNCTION(acosh) VECTOR_FUNCTION(atanh)
VECTOR_FUNCTION(erf) VECTOR_FUNCTION(erfc)
#undef VECTOR_FUNCTION

QUICK lanes chosen(words condition, lanes yes, lanes no) {
    return (lanes)((condition & (words)yes) | (~condition & (words)no));
}
QUICK lanes magnitude_of(lanes x) { return (lanes)((words)x & 0x7fffffffffffffff); }
QUICK lanes with_sign(lanes x, lanes sign) {
    return (lanes)(((words)x & 0x7fffffffffffffff) | ((words)sign & ~0x7fffffffffffffff));
}
QUICK lanes all(double x) { return (lanes){x, x, x, x, x, x, x, x}; }

/// Near their zeros away from 0 the vector functions promise a small error, not a small relative one.
QUICK lanes away_from_zeros(lanes x, lanes value, lanes got) {
    const words is_near_zero = (magnitude_of(value) < 0x1p-12) & (magnitude_of(x) > 1);
    return chosen(is_near_zero, with_sign(all(INFINITY), -got), value);
}
/// What is beyond what f32 tells apart, of e^x at |x| = 700 as at all greater ones: f64's limits are slow.
QUICK lanes within_limits(lanes x) { return chosen(magnitude_of(x) > 700, with_sign(all(700), x), x); }
QUICK lanes quick_exp(lanes x) { return _ZGVeN8v_exp(within_limits(x)); }
QUICK lanes quick_log1p_exp(lanes x) {
    return chosen(magnitude_of(x) > 700, all(0), _ZGVeN8v_log1p(quick_exp(-magnitude_of(x))));
}
/// Of what goes to -0 with its argument: at -inf the formulas have a NaN.
QUICK lanes zero_below(double limit, lanes x, lanes value) { return chosen(x < limit, all(-0.0), value); }
QUICK lanes quick_softplus(lanes x) { return chosen(x > 0, x, all(0)) + quick_log1p_exp(x); }
QUICK lanes quick_sigmoid(lanes x) { return 1 / (1 + quick_exp(-x)); }
QUICK lanes quick_hard_sigmoid(lanes x) { return chosen(x > 3, all(6), chosen(x < -3, all(0), x + 3)) / 6; }

/// One of Halley's steps on erf, or on erfc where that has the digits, from the kernel's result: one that is right to
/// 20 bits becomes right to more than 50, and one that is not stays far away.
QUICK lanes quick_erf_inverse(lanes x, lanes got) {
    const lanes magnitude = magnitude_of(x), y = magnitude_of(got);
    const lanes excess = chosen(magnitude < 0.5, _ZGVeN8v_erf(y) - magnitude, (1 - magnitude) - _ZGVeN8v_erfc(y));
    const lanes step = excess * 0.88622692545275801365 * _ZGVeN8v_exp(y * y);
    return with_sign(y - step / (1 + y * step), x);
}

#define QUICK_REFERENCE(name, expression)                                                                              \
    QUICK_LOOP void quick_block_of_##name(const float *a, const float *results, double *truths) {                     \
        for (size_t i = 0; i < block_size; i += 8) {                                                                   \
            half_lanes narrow, narrow_result;                                                                          \
            memcpy(&narrow, a + i, sizeof narrow);                                                                     \
            memcpy(&narrow_result, results + i, sizeof narrow_result);                                                 \
            const lanes x = __builtin_convertvector(narrow, lanes);                                                    \
            const lanes got = __builtin_convertvector(narrow_result, lanes);                                           \
            (void)got;                                                                                                 \
            const lanes truth = (expression);                                                                          \
            memcpy(truths + i, &truth, sizeof truth);                                                                  \
        }                                                                                                              \
    }
#define QUICK_REFERENCE_OF_C(name) QUICK_REFERENCE(name, _ZGVeN8v_##name(x))
/// The vector functions are slow outside of a function's domain, which `inside` is in.
#define QUICK_REFERENCE_WITHIN(name, condition, inside)                                                                \
    QUICK_REFERENCE(name, chosen(condition, _ZGVeN8v_##name(chosen(condition, x, all(inside))), all(NAN)))

QUICK_REFERENCE(square, x * x)
QUICK_REFERENCE(reciprocal, 1 / x)
QUICK_REFERENCE(sqrt, __builtin_elementwise_sqrt(x))
QUICK_REFERENCE(rsqrt, 1 / __builtin_elementwise_sqrt(x))
QUICK_REFERENCE(ceil, __builtin_elementwise_ceil(x))
QUICK_REFERENCE(floor, __builtin_elementwise_floor(x))
QUICK_REFERENCE(round, __builtin_elementwise_rint(x))
QUICK_REFERENCE(trunc, __builtin_elementwise_trunc(x))
QUICK_REFERENCE(exp, quick_exp(x))
QUICK_REFERENCE(exp2, _ZGVeN8v_exp2(within_limits(x)))
QUICK_REFERENCE(expm1, _ZGVeN8v_expm1(within_limits(x)))
QUICK_REFERENCE_WITHIN(log, x > 0, 1)
QUICK_REFERENCE_WITHIN(log2, x > 0, 1)
QUICK_REFERENCE_WITHIN(log10, x > 0, 1)
QUICK_REFERENCE_WITHIN(log1p, x > -1, 1)
QUICK_REFERENCE(sin, away_from_zeros(x, _ZGVeN8v_sin(x), got))
QUICK_REFERENCE(cos, away_from_zeros(x, _ZGVeN8v_cos(x), got))
QUICK_REFERENCE(tan, away_from_zeros(x, _ZGVeN8v_tan(x), got))
QUICK_REFERENCE_WITHIN(asin, magnitude_of(x) <= 1, 0.5)
QUICK_REFERENCE_WITHIN(acos, magnitude_of(x) <= 1, 0.5)
QUICK_REFERENCE_OF_C(atan)
QUICK_REFERENCE(sinh, _ZGVeN8v_sinh(within_limits(x)))
QUICK_REFERENCE(cosh, _ZGVeN8v_cosh(within_limits(x)))
QUICK_REFERENCE(tanh, _ZGVeN8v_tanh(within_limits(x)))
QUICK_REFERENCE_OF_C(asinh)
QUICK_REFERENCE_WITHIN(acosh, x >= 1, 2)
QUICK_REFERENCE_WITHIN(atanh, magnitude_of(x) < 1, 0.5)
QUICK_REFERENCE_OF_C(erf)
QUICK_REFERENCE_OF_C(erfc)
QUICK_REFERENCE(erf_inverse, quick_erf_inverse(x, got))
QUICK_REFERENCE(sigmoid, quick_sigmoid(x))
QUICK_REFERENCE(log_sigmoid, chosen(x < 0, x, all(0)) - quick_log1p_exp(x))
QUICK_REFERENCE(gelu, zero_below(-100, x, 0.5 * x * _ZGVeN8v_erfc(x * -M_SQRT1_2)))
QUICK_REFERENCE(gelu_tanh, x * quick_sigmoid(2 * 0.79788456080286535588 * x * (1 + 0.044715 * x * x)))
QUICK_REFERENCE(silu, zero_below(-700, x, x * quick_sigmoid(x)))
QUICK_REFERENCE(mish, zero_below(-700, x, x * _ZGVeN8v_tanh(quick_softplus(x))))
QUICK_REFERENCE(softplus, quick_softplus(x))
QUICK_REFERENCE(hard_sigmoid, quick_hard_sigmoid(x))
QUICK_REFERENCE(hard_swish, zero_below(-3, x, x * quick_hard_sigmoid(x)))

/// Which results of a block may be further from the truth than `error`, or not of its kind or sign.
QUICK_LOOP void find_doubtful(
    const float *a, const float *got, const double *truths, bool is_relative_to_argument, double error,
    bool *doubtful) {
    const double settled = error - QUICK_REFERENCE_TOLERANCE;
    if (is_relative_to_argument) {
        for (int i = 0; i < block_size; i++) {
            const double scale = fabs((double)a[i]) * 0x1p-23 + 0x1p-149;
            doubtful[i] = !(fabs((double)got[i] - truths[i]) < settled * scale);
        }
        return;
    }
    for (int i = 0; i < block_size; i++) {
        const double truth = truths[i], result = (double)got[i];
        long long truth_bits, result_bits;
        memcpy(&truth_bits, &truth, sizeof truth_bits);
        memcpy(&result_bits, &result, sizeof result_bits);
        const double distance = fabs(result - truth);
        const bool is_near =
            (fabs(truth) < 0x1p127) & ((result == truth) | (distance < settled * last_place_f32(truth)));
        const bool is_beyond = (fabs(result) == INFINITY) & (fabs(truth) >= 0x1p128);
        const bool is_nan = (truth != truth) & (result != result);
        doubtful[i] = !(is_nan | ((is_near | is_beyond) & ((truth_bits ^ result_bits) >= 0)));
    }
}
#define QUICK_BLOCK_OF(name) quick_block_of_##name

#else

static bool has_quick_references(void) { return false; }
static void find_doubtful(
    const float *a, const float *got, const double *truths, bool is_relative_to_argument, double error,
    bool *doubtful) {
    (void)a, (void)got, (void)truths, (void)is_relative_to_argument, (void)error, (void)doubtful;
}
#define QUICK_BLOCK_OF(name) NULL

#endif

#endif
