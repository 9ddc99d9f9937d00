// Digests of what the kernels of this machine's scalar path answer, one line a kernel and element type.
//
// Compiled for two architectures it prints the same lines: Scripts/check-arm64.sh compares arm64's, which QEMU runs, with
// this machine's. Every NaN counts as the same one, as architectures differ in its sign and payload.
#include "CTensorKernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { count = 4099, rows = 37, columns = 61 };

static const mw_dtype types[] = {
    MW_DTYPE_F32, MW_DTYPE_F64, MW_DTYPE_BF16, MW_DTYPE_F16, MW_DTYPE_I8,  MW_DTYPE_I16, MW_DTYPE_I32,
    MW_DTYPE_I64, MW_DTYPE_U8,  MW_DTYPE_U16,  MW_DTYPE_U32, MW_DTYPE_U64, MW_DTYPE_BOOL,
};
enum { type_count = sizeof types / sizeof *types };

static const char *const names[MW_DTYPE_COUNT] = {
    [MW_DTYPE_F32] = "f32", [MW_DTYPE_F64] = "f64", [MW_DTYPE_BF16] = "bf16", [MW_DTYPE_F16] = "f16",
    [MW_DTYPE_I8] = "i8",   [MW_DTYPE_I16] = "i16", [MW_DTYPE_I32] = "i32",   [MW_DTYPE_I64] = "i64",
    [MW_DTYPE_U8] = "u8",   [MW_DTYPE_U16] = "u16", [MW_DTYPE_U32] = "u32",   [MW_DTYPE_U64] = "u64",
    [MW_DTYPE_BOOL] = "bool",
};

static bool is_float(mw_dtype dtype) {
    return dtype == MW_DTYPE_F32 || dtype == MW_DTYPE_F64 || dtype == MW_DTYPE_BF16 || dtype == MW_DTYPE_F16;
}

static bool is_integer(mw_dtype dtype) { return !is_float(dtype) && dtype != MW_DTYPE_BOOL; }

/// SplitMix64 (Steele, Lea and Flood 2014).
static uint64_t random_word(uint64_t *state) {
    uint64_t word = *state += 0x9e3779b97f4a7c15u;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
}

/// Elements of every magnitude, or of the integers near 0 alone, whose sums are exact.
static void *operand(mw_dtype dtype, uint64_t seed, bool is_small) {
    const ptrdiff_t size = mw_dtype_size(dtype);
    char *elements = malloc((size_t)(count * size));
    if (elements == NULL) {
        abort();
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        uint64_t word = random_word(&seed);
        if (dtype == MW_DTYPE_BOOL) {
            word &= 1;
        } else if (is_small && is_integer(dtype)) {
            word = 1 + word % 5;
        } else if (is_small) {
            const float value = (float)(word % 9) - 4;
            const double wide = value;
            uint16_t half = 0;
            if (dtype == MW_DTYPE_F32) {
                memcpy(&word, &value, sizeof value);
            } else if (dtype == MW_DTYPE_F64) {
                memcpy(&word, &wide, sizeof wide);
            } else {
                mw_narrow_16(dtype, 1, &half, &value);
                memcpy(&word, &half, sizeof half);
            }
        }
        memcpy(elements + i * size, &word, (size_t)size);
    }
    return elements;
}

static bool is_nan(mw_dtype dtype, const void *element) {
    uint64_t bits = 0;
    memcpy(&bits, element, (size_t)mw_dtype_size(dtype));
    switch (dtype) {
    case MW_DTYPE_F32: return (bits & 0x7fffffffu) > 0x7f800000u;
    case MW_DTYPE_F64: return (bits & 0x7fffffffffffffffu) > 0x7ff0000000000000u;
    case MW_DTYPE_BF16: return (bits & 0x7fffu) > 0x7f80u;
    case MW_DTYPE_F16: return (bits & 0x7fffu) > 0x7c00u;
    default: return false;
    }
}

/// Prints the digest (FNV-1a) of elements.
static void tell(const char *kernel, int operation, mw_dtype of, mw_dtype dtype, ptrdiff_t length, const void *elements) {
    const ptrdiff_t size = mw_dtype_size(dtype);
    uint64_t digest = 0xcbf29ce484222325u;
    for (ptrdiff_t i = 0; i < length; i++) {
        const unsigned char *element = (const unsigned char *)elements + i * size;
        const bool hides_bits = is_nan(dtype, element);
        for (ptrdiff_t byte = 0; byte < size; byte++) {
            digest = (digest ^ (hides_bits ? 0xffu : element[byte])) * 0x100000001b3u;
        }
    }
    printf("%s %d %s %s %016llx\n", kernel, operation, names[of], names[dtype], (unsigned long long)digest);
}

static bool has_unary(mw_unary_operation operation, mw_dtype dtype) {
    switch (operation) {
    case MW_UNARY_BITWISE_NOT: return is_integer(dtype);
    case MW_UNARY_LOGICAL_NOT: return dtype == MW_DTYPE_BOOL;
    case MW_UNARY_NEGATE:
    case MW_UNARY_ABS:
    case MW_UNARY_SIGN:
    case MW_UNARY_SQUARE: return dtype != MW_DTYPE_BOOL;
    default: return is_float(dtype);
    }
}

static bool has_binary(mw_binary_operation operation, mw_dtype dtype) {
    switch (operation) {
    case MW_BINARY_ADD:
    case MW_BINARY_SUBTRACT:
    case MW_BINARY_MULTIPLY: return dtype != MW_DTYPE_BOOL;
    case MW_BINARY_MAXIMUM:
    case MW_BINARY_MINIMUM: return true;
    case MW_BINARY_FLOOR_DIVIDE:
    case MW_BINARY_REMAINDER:
    case MW_BINARY_FMOD:
    case MW_BINARY_POWER: return dtype != MW_DTYPE_BOOL;
    case MW_BINARY_AND:
    case MW_BINARY_OR:
    case MW_BINARY_XOR: return !is_float(dtype);
    case MW_BINARY_SHIFT_LEFT:
    case MW_BINARY_SHIFT_RIGHT: return is_integer(dtype);
    default: return is_float(dtype);
    }
}

static void elementwise(const mw_kernels *kernels, mw_dtype dtype, void *out) {
    const ptrdiff_t shape = count, one = 1;
    void *a = operand(dtype, 1, false), *b = operand(dtype, 2, false);
    void *divisors = operand(dtype, 3, true);
    for (int operation = 0; operation < MW_UNARY_COUNT; operation++) {
        if (has_unary((mw_unary_operation)operation, dtype)) {
            kernels->elementwise.unary((mw_unary_operation)operation, dtype, 1, &shape, out, a, &one);
            tell("unary", operation, dtype, dtype, count, out);
        }
    }
    for (int operation = 0; operation <= MW_BINARY_SHIFT_RIGHT; operation++) {
        if (has_binary((mw_binary_operation)operation, dtype)) {
            // Integers are divided by numbers that are not 0, and raised to ones that are not negative.
            const bool is_restricted = operation >= MW_BINARY_FLOOR_DIVIDE && operation <= MW_BINARY_POWER;
            kernels->elementwise.binary(
                (mw_binary_operation)operation, dtype, 1, &shape, out, a, &one,
                is_restricted && !is_float(dtype) ? divisors : b, &one);
            tell("binary", operation, dtype, dtype, count, out);
        }
    }
    for (ptrdiff_t i = 0; i < type_count; i++) {
        if (types[i] != dtype) {
            kernels->elementwise.convert(types[i], dtype, 1, &shape, out, a, &one);
            tell("convert", 0, dtype, types[i], count, out);
        }
    }
    free(a);
    free(b);
    free(divisors);
}

static void reductions(const mw_kernels *kernels, mw_dtype dtype, void *out) {
    const ptrdiff_t shape[] = {rows, columns}, strides[] = {columns, 1};
    void *a = operand(dtype, 4, false);
    for (int reduction = 0; reduction <= MW_REDUCE_NORM; reduction++) {
        const bool is_truth = reduction >= MW_REDUCE_ANY && reduction <= MW_REDUCE_COUNT;
        if (!is_truth && !is_float(dtype) && (reduction > MW_REDUCE_PRODUCT || dtype == MW_DTYPE_BOOL)) {
            continue;
        }
        const mw_dtype to = reduction == MW_REDUCE_COUNT ? MW_DTYPE_I64 : is_truth ? MW_DTYPE_BOOL : dtype;
        for (uint32_t axes = 1; axes < 4; axes++) {
            const ptrdiff_t length = axes == 1 ? columns : axes == 2 ? rows : 1;
            kernels->reduction.reduce((mw_reduction)reduction, to, dtype, 2, 2, shape, out, a, strides, axes);
            tell("reduce", reduction * 4 + (int)axes, dtype, to, length, out);
        }
    }
    for (int cumulation = 0; cumulation <= MW_CUMULATE_LOG_SUM_EXP; cumulation++) {
        if (dtype != MW_DTYPE_BOOL && (cumulation != MW_CUMULATE_LOG_SUM_EXP || is_float(dtype))) {
            kernels->scan.cumulate((mw_cumulation)cumulation, dtype, rows, columns, 1, out, a);
            tell("cumulate", cumulation, dtype, dtype, rows * columns, out);
        }
    }
    if (mw_sort(dtype, false, rows, columns, out, a)) {
        tell("sort", 0, dtype, dtype, rows * columns, out);
    }
    free(a);
}

static void row_kernels(const mw_kernels *kernels, mw_dtype dtype, void *out) {
    void *a = operand(dtype, 5, true);
    const mw_rows_to_normalize shape = {
        .rows = rows, .groups = 1, .channels = columns, .width = 1, .a_row_stride = columns, .epsilon = 1e-5};
    if (kernels->rows.softmax(dtype, rows, columns, out, a, columns)) {
        tell("softmax", 0, dtype, dtype, rows * columns, out);
    }
    for (int kind = 0; kind <= MW_NORMALIZE_ROOT_SQUARE; kind++) {
        if (kernels->rows.normalize((mw_normalization)kind, dtype, &shape, out, a, NULL, NULL)) {
            tell("normalize", kind, dtype, dtype, rows * columns, out);
        }
    }
    free(a);
}

/// Of small integers, so that every order of additions gives the same sums.
static void products(const mw_kernels *kernels, void *out) {
    enum { m = 33, n = 47, k = 59 };
    float *a = operand(MW_DTYPE_F32, 6, true), *b = operand(MW_DTYPE_F32, 7, true);
    kernels->matrix.gemm_f32(m, n, k, a, k, 1, b, n, 1, out, n, false, 0);
    tell("gemm", 0, MW_DTYPE_F32, MW_DTYPE_F32, m * n, out);
    free(a);
    free(b);
    double *a64 = operand(MW_DTYPE_F64, 6, true), *b64 = operand(MW_DTYPE_F64, 7, true);
    kernels->matrix.gemm_f64(m, n, k, a64, k, 1, b64, n, 1, out, n, false, 0);
    tell("gemm", 0, MW_DTYPE_F64, MW_DTYPE_F64, m * n, out);
    free(a64);
    free(b64);
    uint16_t *a16 = operand(MW_DTYPE_BF16, 6, true), *b16 = operand(MW_DTYPE_BF16, 7, true);
    kernels->matrix.gemm_bf16(m, n, k, a16, k, 1, b16, n, 1, out, n, false, 0);
    tell("gemm", 0, MW_DTYPE_BF16, MW_DTYPE_F32, m * n, out);
    free(a16);
    free(b16);
    uint8_t *a8 = operand(MW_DTYPE_U8, 6, false);
    int8_t *b8 = operand(MW_DTYPE_I8, 7, false);
    kernels->matrix.gemm_u8i8(m, n, k, a8, k, 1, b8, n, 1, out, n, false, 0);
    tell("gemm", 0, MW_DTYPE_U8, MW_DTYPE_I32, m * n, out);
    free(a8);
    free(b8);
}

static void random_numbers(const mw_kernels *kernels, void *out) {
    kernels->random.random_bits(1, 2, 3, count, out);
    tell("random bits", 0, MW_DTYPE_U32, MW_DTYPE_U32, count, out);
    kernels->random.random_normal_f32(1, 2, 3, count, out);
    tell("random normal", 0, MW_DTYPE_F32, MW_DTYPE_F32, count, out);
    kernels->random.random_exponential_f64(1, 2, 3, count, out);
    tell("random exponential", 0, MW_DTYPE_F64, MW_DTYPE_F64, count, out);
}

int main(void) {
    const mw_kernels *kernels = mw_kernels_for(MW_ISA_SCALAR);
    void *out = malloc(count * 8);
    if (kernels == NULL || out == NULL) {
        abort();
    }
    for (ptrdiff_t i = 0; i < type_count; i++) {
        elementwise(kernels, types[i], out);
        reductions(kernels, types[i], out);
        if (is_float(types[i])) {
            row_kernels(kernels, types[i], out);
        }
    }
    products(kernels, out);
    random_numbers(kernels, out);
    free(out);
    return 0;
}
