// How far the elementwise functions of one number are from the truth. See README.md.
#include "mw_kernels.h"
#include "quick_reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long double number;

/// A function under test and its reference: C's, or a formula of it that loses nothing. f32 is compared with the
/// reference in f64, and f64 with the one in long double (of 64 bits on x86-64).
typedef struct function {
    const char *name;
    mw_unary_operation operation;
    double (*narrow)(double x);
    number (*wide)(number x);
    /// Whether the error is to be measured in units of 2^-23 |x|.
    bool is_relative_to_argument;
    /// NULL where the vector functions are missing.
    quick_reference *quick;
    /// From where on the f32 kernel is `narrow` itself, rounded, if not 0.
    double limit;
} function;

static double square(double x) { return x * x; }
static number squarel(number x) { return x * x; }
static double reciprocal(double x) { return 1 / x; }
static number reciprocall(number x) { return 1 / x; }
static double rsqrt(double x) { return 1 / sqrt(x); }
static number rsqrtl(number x) { return 1 / sqrtl(x); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static number sigmoidl(number x) { return 1 / (1 + expl(-x)); }
static double log_sigmoid(double x) { return fmin(x, 0) - log1p(exp(-fabs(x))) + (x != x ? x : 0); }
static number log_sigmoidl(number x) { return fminl(x, 0) - log1pl(expl(-fabsl(x))) + (x != x ? x : 0); }
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))) + (x != x ? x : 0); }
static number softplusl(number x) { return fmaxl(x, 0) + log1pl(expl(-fabsl(x))) + (x != x ? x : 0); }
static double gelu(double x) { return x == -INFINITY ? -0.0 : 0.5 * x * erfc(-x * M_SQRT1_2); }
static number gelul(number x) {
    return x == -INFINITY ? -0.0 : 0.5L * x * erfcl(-x * 0.70710678118654752440084436210485L);
}
static double gelu_tanh(double x) {
    return x == -INFINITY ? -0.0 : x * sigmoid(2 * 0.79788456080286535588 * x * (1 + 0.044715 * x * x));
}
static number gelu_tanhl(number x) {
    return x == -INFINITY ? -0.0 : x * sigmoidl(2 * 0.79788456080286535587989211986876L * x * (1 + 0.044715L * x * x));
}
static double silu(double x) { return x == -INFINITY ? -0.0 : x * sigmoid(x); }
static number silul(number x) { return x == -INFINITY ? -0.0 : x * sigmoidl(x); }
static double mish(double x) { return x == -INFINITY ? -0.0 : x * tanh(softplus(x)); }
static number mishl(number x) { return x == -INFINITY ? -0.0 : x * tanhl(softplusl(x)); }
static double hard_sigmoid(double x) { return x != x ? x : fmin(fmax(x + 3, 0), 6) / 6; }
static number hard_sigmoidl(number x) { return x != x ? x : fminl(fmaxl(x + 3, 0), 6) / 6; }
static double hard_swish(double x) { return x == -INFINITY ? -0.0 : x * hard_sigmoid(x); }
static number hard_swishl(number x) { return x == -INFINITY ? -0.0 : x * hard_sigmoidl(x); }

/// erf⁻¹ is what C lacks: from the winding start 0, Newton's steps on erf, or on erfc where that has the digits.
static double erf_inverse(double x) {
    const double magnitude = fabs(x);
    if (!(magnitude < 1)) {
        return magnitude == 1 ? copysign(INFINITY, x) : NAN;
    }
    double y = 0.886 * magnitude;
    for (int i = 0; i < 60; i++) {
        const double excess = magnitude < 0.5 ? erf(y) - magnitude : (1 - magnitude) - erfc(y);
        const double step = excess * 0.88622692545275801365 * exp(y * y);
        y -= step / (1 + y * step);
        if (fabs(step) < 1e-9 * y) {
            break;
        }
    }
    return copysign(magnitude < 1e-18 ? magnitude * 0.88622692545275801365 : y, x);
}
static number erf_inversel(number x) {
    const number magnitude = fabsl(x);
    if (!(magnitude < 1)) {
        return magnitude == 1 ? copysignl(INFINITY, x) : NAN;
    }
    number y = erf_inverse((double)magnitude);
    for (int i = 0; i < 3; i++) {
        const number excess = magnitude < 0.5 ? erfl(y) - magnitude : (1 - magnitude) - erfcl(y);
        const number step = excess * 0.88622692545275801364908374167057L * expl(y * y);
        y -= step / (1 + y * step);
    }
    return copysignl(y, x);
}

static const function functions[] = {
    {"square", MW_UNARY_SQUARE, square, squarel, false, QUICK_BLOCK_OF(square), 0},
    {"reciprocal", MW_UNARY_RECIPROCAL, reciprocal, reciprocall, false, QUICK_BLOCK_OF(reciprocal), 0},
    {"sqrt", MW_UNARY_SQRT, sqrt, sqrtl, false, QUICK_BLOCK_OF(sqrt), 0},
    {"rsqrt", MW_UNARY_RSQRT, rsqrt, rsqrtl, false, QUICK_BLOCK_OF(rsqrt), 0},
    {"ceil", MW_UNARY_CEIL, ceil, ceill, false, QUICK_BLOCK_OF(ceil), 0},
    {"floor", MW_UNARY_FLOOR, floor, floorl, false, QUICK_BLOCK_OF(floor), 0},
    {"round", MW_UNARY_ROUND, rint, rintl, false, QUICK_BLOCK_OF(round), 0},
    {"trunc", MW_UNARY_TRUNC, trunc, truncl, false, QUICK_BLOCK_OF(trunc), 0},
    {"exp", MW_UNARY_EXP, exp, expl, false, QUICK_BLOCK_OF(exp), 0},
    {"exp2", MW_UNARY_EXP2, exp2, exp2l, false, QUICK_BLOCK_OF(exp2), 0},
    {"expm1", MW_UNARY_EXPM1, expm1, expm1l, false, QUICK_BLOCK_OF(expm1), 0},
    {"log", MW_UNARY_LOG, log, logl, false, QUICK_BLOCK_OF(log), 0},
    {"log2", MW_UNARY_LOG2, log2, log2l, false, QUICK_BLOCK_OF(log2), 0},
    {"log10", MW_UNARY_LOG10, log10, log10l, false, QUICK_BLOCK_OF(log10), 0},
    {"log1p", MW_UNARY_LOG1P, log1p, log1pl, false, QUICK_BLOCK_OF(log1p), 0},
    {"sin", MW_UNARY_SIN, sin, sinl, false, QUICK_BLOCK_OF(sin), 0x1p17},
    {"cos", MW_UNARY_COS, cos, cosl, false, QUICK_BLOCK_OF(cos), 0x1p17},
    {"tan", MW_UNARY_TAN, tan, tanl, false, QUICK_BLOCK_OF(tan), 0x1p20},
    {"asin", MW_UNARY_ASIN, asin, asinl, false, QUICK_BLOCK_OF(asin), 0},
    {"acos", MW_UNARY_ACOS, acos, acosl, false, QUICK_BLOCK_OF(acos), 0},
    {"atan", MW_UNARY_ATAN, atan, atanl, false, QUICK_BLOCK_OF(atan), 0},
    {"sinh", MW_UNARY_SINH, sinh, sinhl, false, QUICK_BLOCK_OF(sinh), 0},
    {"cosh", MW_UNARY_COSH, cosh, coshl, false, QUICK_BLOCK_OF(cosh), 0},
    {"tanh", MW_UNARY_TANH, tanh, tanhl, false, QUICK_BLOCK_OF(tanh), 0},
    {"asinh", MW_UNARY_ASINH, asinh, asinhl, false, QUICK_BLOCK_OF(asinh), 0},
    {"acosh", MW_UNARY_ACOSH, acosh, acoshl, false, QUICK_BLOCK_OF(acosh), 0},
    {"atanh", MW_UNARY_ATANH, atanh, atanhl, false, QUICK_BLOCK_OF(atanh), 0},
    {"erf", MW_UNARY_ERF, erf, erfl, false, QUICK_BLOCK_OF(erf), 0},
    {"erfc", MW_UNARY_ERFC, erfc, erfcl, false, QUICK_BLOCK_OF(erfc), 0},
    {"erf_inverse", MW_UNARY_ERF_INVERSE, erf_inverse, erf_inversel, false, QUICK_BLOCK_OF(erf_inverse), 0},
    {"sigmoid", MW_UNARY_SIGMOID, sigmoid, sigmoidl, false, QUICK_BLOCK_OF(sigmoid), 0},
    {"log_sigmoid", MW_UNARY_LOG_SIGMOID, log_sigmoid, log_sigmoidl, false, QUICK_BLOCK_OF(log_sigmoid), 0},
    {"gelu", MW_UNARY_GELU, gelu, gelul, true, QUICK_BLOCK_OF(gelu), 0},
    {"gelu_tanh", MW_UNARY_GELU_TANH, gelu_tanh, gelu_tanhl, true, QUICK_BLOCK_OF(gelu_tanh), 0},
    {"silu", MW_UNARY_SILU, silu, silul, false, QUICK_BLOCK_OF(silu), 0},
    {"mish", MW_UNARY_MISH, mish, mishl, false, QUICK_BLOCK_OF(mish), 0},
    {"softplus", MW_UNARY_SOFTPLUS, softplus, softplusl, false, QUICK_BLOCK_OF(softplus), 0},
    {"hard_sigmoid", MW_UNARY_HARD_SIGMOID, hard_sigmoid, hard_sigmoidl, false, QUICK_BLOCK_OF(hard_sigmoid), 0},
    {"hard_swish", MW_UNARY_HARD_SWISH, hard_swish, hard_swishl, false, QUICK_BLOCK_OF(hard_swish), 0},
};

/// The largest error of a function, where it was, and what else was wrong.
typedef struct findings {
    double error;
    double argument;
    /// NaN where there is a number, a number where there is NaN, or an infinity that is none.
    uint64_t wrong_kind;
    double wrong_argument;
    uint64_t wrong_sign_of_zero;
    /// Elements whose bits are not the same on every path.
    uint64_t paths_differ;
    /// Arguments of which the two references do not agree.
    uint64_t references_differ;
} findings;

/// A unit in the last place of a format with this many bits, at a number.
static number unit(number x, int digits, int minimum_exponent) {
    int exponent;
    frexpl(x, &exponent);
    const int last = exponent - digits;
    return ldexpl(1, last > minimum_exponent ? last : minimum_exponent);
}

static void look_at(
    findings *found, const function *f, double x, double got, number truth, int digits, int minimum_exponent) {
    if ((truth != truth) != (got != got)) {
        found->wrong_kind++;
        found->wrong_argument = x;
        return;
    }
    if (truth != truth || truth == got) {
        if (truth == 0 && signbit(truth) != signbit(got) && !f->is_relative_to_argument) {
            found->wrong_sign_of_zero++;
            found->wrong_argument = x;
        }
        return;
    }
    if (digits == 24 && !f->is_relative_to_argument && fabsl(truth) < 0x1p127 && !isinf(got)) {
        // The usual case, without long double.
        const double error = fabs(got - (double)truth) / last_place_f32((double)truth);
        if (error > found->error) {
            found->error = error;
            found->argument = x;
        }
        return;
    }
    // What rounds to infinity is as far from it as from the power of 2 that the format ends before.
    const number end = digits == 24 ? 0x1p128L : 0x1p1024L;
    if (isinf(got) && fabsl(truth) >= end && signbit(got) == signbit(truth)) {
        return;
    }
    const number value = isinf(got) ? copysignl(end, got) : (number)got;
    const number target = fabsl(truth) > end ? copysignl(end, truth) : truth;
    const number scale = f->is_relative_to_argument && isfinite(x)
                             ? fabsl((number)x) * ldexpl(1, 1 - digits) + ldexpl(1, minimum_exponent)
                             : unit(fabsl(target) == end ? end / 2 : target, digits, minimum_exponent);
    const double error = (double)(fabsl(value - target) / scale);
    if (error > found->error) {
        found->error = error;
        found->argument = x;
    }
}

/// Whether the references of a number agree, where the quick one claims to know.
static bool references_agree(double quick, double truth) {
    if (isinf(quick) || fabs(truth) >= 0x1p127) {
        return true;
    }
    if (truth != truth) {
        return quick != quick;
    }
    // A sign counts, but of what is no 0 and rounds to one.
    const bool has_sign = truth == 0 || fabs(truth) > 0x1p-150;
    return fabs(quick - truth) <= QUICK_REFERENCE_TOLERANCE * last_place_f32(truth) &&
           (!has_sign || signbit(quick) == signbit(truth));
}

/// Every `stride`-th number there is. `error` is one that the function is known to have, at `argument`.
static findings look_at_every_f32(
    const function *f, const mw_kernels *kernels, uint64_t stride, bool compares_paths, double error, double argument) {
    findings found = {.error = error, .argument = argument};
    static float a[block_size], out[block_size], other[block_size];
    static double quick[block_size];
    static bool doubtful[block_size];
    const bool is_quick = f->quick != NULL && has_quick_references();
    mw_isa paths[MW_ISA_COUNT];
    const ptrdiff_t path_count = mw_available_paths(paths);
    const ptrdiff_t one = 1, count = block_size;
    int blocks = 0;
    for (uint64_t bits = 0; bits < (UINT64_C(1) << 32);) {
        // A block of neighbours begins with the smallest.
        const uint32_t first_word = (uint32_t)bits;
        float first;
        memcpy(&first, &first_word, sizeof first);
        if (stride == 1 && f->limit != 0 && isfinite(first) && fabsf(first) > f->limit && blocks % 61 != 0) {
            blocks++;
            bits += block_size;
            continue;
        }
        for (int i = 0; i < block_size; i++, bits += stride) {
            const uint32_t word = bits < (UINT64_C(1) << 32) ? (uint32_t)bits : 0;
            memcpy(&a[i], &word, sizeof word);
        }
        kernels->elementwise.unary(f->operation, MW_DTYPE_F32, 1, &count, out, a, &one);
        memset(doubtful, true, sizeof doubtful);
        // Of some blocks all, to see that the quick reference is right where it raises no doubt.
        if (is_quick) {
            f->quick(a, out, quick);
            if (blocks % 61 != 0) {
                find_doubtful(a, out, quick, f->is_relative_to_argument, found.error, doubtful);
            }
        }
        for (int i = 0; i < block_size; i++) {
            uint64_t next_doubts;
            memcpy(&next_doubts, &doubtful[i & -8], sizeof next_doubts);
            if (next_doubts == 0) {
                i |= 7;
                continue;
            }
            if (!doubtful[i]) {
                continue;
            }
            const double truth = f->narrow((double)a[i]);
            look_at(&found, f, (double)a[i], (double)out[i], (number)truth, 24, -149);
            found.references_differ += is_quick && !references_agree(quick[i], truth);
        }
        blocks++;
        for (ptrdiff_t p = 0; compares_paths && p < path_count; p++) {
            mw_kernels_for(paths[p])->elementwise.unary(f->operation, MW_DTYPE_F32, 1, &count, other, a, &one);
            for (int i = 0; i < block_size; i++) {
                found.paths_differ += memcmp(&out[i], &other[i], 4) != 0 && (out[i] == out[i] || other[i] == other[i]);
            }
        }
    }
    return found;
}

static findings look_at_f32(const function *f, const mw_kernels *kernels, uint64_t stride, bool compares_paths) {
    // What is nearer to the truth than a few numbers were raises no doubt.
    const uint64_t few = 4099;
    const findings first = stride < few ? look_at_every_f32(f, kernels, few, false, 0, 0) : (findings){0};
    return look_at_every_f32(f, kernels, stride, compares_paths, first.error, first.argument);
}

static uint64_t next_word(uint64_t *state) {
    // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/// Every fourth number has any bits, and the others are spread over what functions find hard: a few units around 0,
/// small powers of 2, and what exponentials have room for.
static findings look_at_f64(const function *f, const mw_kernels *kernels, uint64_t samples, bool compares_paths) {
    findings found = {0};
    static double a[block_size], out[block_size], other[block_size];
    mw_isa paths[MW_ISA_COUNT];
    const ptrdiff_t path_count = mw_available_paths(paths);
    const ptrdiff_t one = 1, count = block_size;
    uint64_t state = 1;
    for (uint64_t done = 0; done < samples; done += block_size) {
        for (int i = 0; i < block_size; i++) {
            const uint64_t word = next_word(&state);
            const double uniform = (double)(int64_t)next_word(&state) * 0x1p-63;
            switch (i % 4) {
            case 0: memcpy(&a[i], &word, sizeof word); break;
            case 1: a[i] = uniform * 6; break;
            case 2: a[i] = ldexp(uniform, (int)(word % 64) - 40); break;
            default: a[i] = i % 8 == 3 ? uniform * 760 : 1 + ldexp(uniform, -(int)(word % 30)); break;
            }
        }
        kernels->elementwise.unary(f->operation, MW_DTYPE_F64, 1, &count, out, a, &one);
        for (int i = 0; i < block_size; i++) {
            look_at(&found, f, a[i], out[i], f->wide((number)a[i]), 53, -1074);
        }
        for (ptrdiff_t p = 0; compares_paths && p < path_count; p++) {
            mw_kernels_for(paths[p])->elementwise.unary(f->operation, MW_DTYPE_F64, 1, &count, other, a, &one);
            for (int i = 0; i < block_size; i++) {
                found.paths_differ += memcmp(&out[i], &other[i], 8) != 0 && (out[i] == out[i] || other[i] == other[i]);
            }
        }
    }
    return found;
}

static int usage(const char *program) {
    fprintf(stderr, "usage: %s f32 STRIDE|f64 SAMPLES [paths] [FUNCTION...]\n", program);
    return 2;
}

int main(int argument_count, char **arguments) {
    if (argument_count < 3 || (strcmp(arguments[1], "f32") != 0 && strcmp(arguments[1], "f64") != 0)) {
        return usage(arguments[0]);
    }
    const bool is_f32 = strcmp(arguments[1], "f32") == 0;
    const uint64_t number_of = strtoull(arguments[2], NULL, 10);
    if (number_of == 0) {
        return usage(arguments[0]);
    }
    const bool compares_paths = argument_count > 3 && strcmp(arguments[3], "paths") == 0;
    const int first_name = compares_paths ? 4 : 3;
    const mw_kernels *kernels = mw_active_kernels();
    bool all_good = true;
    printf("%-13s %-7s %8s  at\n", "function", kernels->name, "ULP");
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        const function *f = &functions[i];
        bool is_wanted = first_name >= argument_count;
        for (int n = first_name; n < argument_count; n++) {
            is_wanted |= strcmp(arguments[n], f->name) == 0;
        }
        if (!is_wanted) {
            continue;
        }
        const findings found = is_f32 ? look_at_f32(f, kernels, number_of, compares_paths)
                                      : look_at_f64(f, kernels, number_of, compares_paths);
        printf("%-13s %-7s %8.4f  %a", f->name, is_f32 ? "f32" : "f64", found.error, found.argument);
        const double bound = f->is_relative_to_argument ? 1 : 2;
        const bool is_good =
            (!is_f32 || found.error <= bound) && found.wrong_kind + found.wrong_sign_of_zero + found.paths_differ +
                    found.references_differ ==
                0;
        if (!is_good) {
            printf(
                "  WRONG: %llu of the wrong kind, %llu zeros of the wrong sign (at %a), %llu differ between paths, "
                "%llu between references",
                (unsigned long long)found.wrong_kind, (unsigned long long)found.wrong_sign_of_zero,
                found.wrong_argument, (unsigned long long)found.paths_differ,
                (unsigned long long)found.references_differ);
        }
        printf("\n");
        fflush(stdout);
        all_good &= is_good;
    }
    return all_good ? 0 : 1;
}
