// Elementwise kernels: one result for each element of operands that broadcast to it.
#ifndef MESHWORK_ELEMENTWISE_H
#define MESHWORK_ELEMENTWISE_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// Operations of one operand, which give its type. All floats have those up to HARD_SWISH (16-bit ones are computed in
/// f32 and rounded once), all integers NEGATE, ABS, SIGN and SQUARE, which wrap around, and BITWISE_NOT, signed
/// integers RELU, and bools LOGICAL_NOT.
///
/// Special values are those of C's `math.h`; what that lacks is told here. Errors are those of f32, which are at most 2
/// ULP (GELU's: 2^-23 |x|), found by Benchmarks/UnaryAccuracy. "Rounded" is an error below 0.54 ULP, of what computes
/// in f64. Errors of f64 are up to 4 ULP (of samples).
typedef enum mw_unary_operation {
    MW_UNARY_NEGATE,
    MW_UNARY_RELU,          ///< max(x, 0); NaN stays NaN, -0 becomes +0
    MW_UNARY_EXP,           ///< within 1.02 ULP for every argument; subnormal results kept, overflow gives +inf
    MW_UNARY_LOG,           ///< within 0.83 ULP for every argument; log(±0) = -inf, log(x < 0) = NaN
    MW_UNARY_SQRT,          ///< correctly rounded
    MW_UNARY_ABS,
    MW_UNARY_SIGN,          ///< -1, 0 or 1; 0 of -0, NaN of NaN
    MW_UNARY_SQUARE,
    MW_UNARY_RECIPROCAL,    ///< correctly rounded
    MW_UNARY_RSQRT,         ///< 1 / √x, each step rounded
    MW_UNARY_CEIL,
    MW_UNARY_FLOOR,
    MW_UNARY_ROUND,         ///< to nearest, ties to even
    MW_UNARY_TRUNC,
    MW_UNARY_EXP2,          ///< within 1.13 ULP; exact for integers
    MW_UNARY_EXPM1,         ///< rounded
    MW_UNARY_LOG2,          ///< rounded; exact for powers of 2
    MW_UNARY_LOG10,         ///< rounded
    MW_UNARY_LOG1P,         ///< within 1.4 ULP
    MW_UNARY_SIN,           ///< within 1.6 ULP, of any argument
    MW_UNARY_COS,           ///< within 1.6 ULP, of any argument
    MW_UNARY_TAN,           ///< rounded
    MW_UNARY_ASIN,          ///< rounded
    MW_UNARY_ACOS,          ///< rounded
    MW_UNARY_ATAN,          ///< rounded
    MW_UNARY_SINH,          ///< rounded
    MW_UNARY_COSH,          ///< rounded
    MW_UNARY_TANH,          ///< within 1.96 ULP
    MW_UNARY_ASINH,         ///< rounded
    MW_UNARY_ACOSH,         ///< rounded
    MW_UNARY_ATANH,         ///< within 1.1 ULP
    MW_UNARY_ERF,           ///< within 1.7 ULP
    MW_UNARY_ERFC,          ///< rounded
    MW_UNARY_ERF_INVERSE,   ///< rounded; ±inf of ±1, NaN beyond
    MW_UNARY_SIGMOID,       ///< 1 / (1 + e^-x); within 2 ULP
    MW_UNARY_LOG_SIGMOID,   ///< -ln(1 + e^-x); within 1.7 ULP
    MW_UNARY_GELU,          ///< x Φ(x), Φ the normal distribution; 0 of -inf
    MW_UNARY_GELU_TANH,     ///< x / (1 + e^-2u), u = √(2/π) (x + 0.044715 x³); 0 of -inf
    MW_UNARY_SILU,          ///< x / (1 + e^-x); within 2 ULP; 0 of -inf
    MW_UNARY_MISH,          ///< x tanh(ln(1 + e^x)); rounded; 0 of -inf
    MW_UNARY_SOFTPLUS,      ///< ln(1 + e^x); within 1.7 ULP
    MW_UNARY_HARD_SIGMOID,  ///< min(max(x + 3, 0), 6) / 6
    MW_UNARY_HARD_SWISH,    ///< x min(max(x + 3, 0), 6) / 6; 0 of -inf
    MW_UNARY_BITWISE_NOT,   ///< integers
    MW_UNARY_LOGICAL_NOT,   ///< bools
} mw_unary_operation;

/// Number of values of `mw_unary_operation`.
#define MW_UNARY_COUNT 45

/// Operations of two operands of one type, which they give. Integers wrap around.
typedef enum mw_binary_operation {
    MW_BINARY_ADD,
    MW_BINARY_SUBTRACT,
    MW_BINARY_MULTIPLY,
    MW_BINARY_DIVIDE,         ///< floats only
    MW_BINARY_RELU_GRADIENT,  ///< floats only; a is ReLU's output, b the upstream gradient: a > 0 ? b : 0
    MW_BINARY_FLOOR_DIVIDE,   ///< the quotient toward -inf, as Python's; integers: b holds no 0 (`contains`)
    MW_BINARY_REMAINDER,      ///< what is left by it, with b's sign; integers: b holds no 0
    MW_BINARY_FMOD,           ///< what a quotient toward zero leaves, with a's sign, as C's; integers: b holds no 0
    MW_BINARY_POWER,          ///< a^b; 1^b and a^0 are 1, with NaN too; integers: b holds nothing negative
    MW_BINARY_MAXIMUM,        ///< NaN where one is; of equal ones a
    MW_BINARY_MINIMUM,        ///< NaN where one is; of equal ones a
    MW_BINARY_ATAN2,          ///< floats only; the angle of the point (b, a), in -pi...pi
    MW_BINARY_HYPOT,          ///< floats only; sqrt(a^2 + b^2)
    MW_BINARY_COPYSIGN,       ///< floats only; |a| with b's sign
    MW_BINARY_LOG_ADD_EXP,    ///< floats only; log(e^a + e^b)
    MW_BINARY_AND,            ///< integers and bools, as the next two
    MW_BINARY_OR,
    MW_BINARY_XOR,
    MW_BINARY_SHIFT_LEFT,     ///< integers only; 0 where b is negative, or the type's width or more
    MW_BINARY_SHIFT_RIGHT,    ///< integers only; 0 (or -1 where a is negative) for such a b
} mw_binary_operation;

/// What a float may be. Exactly one of infinite, finite and NaN is true of each.
typedef enum mw_float_class {
    MW_FLOAT_IS_NAN,
    MW_FLOAT_IS_INFINITE,
    MW_FLOAT_IS_FINITE,
} mw_float_class;

/// What makes an integer unfit for an operation.
typedef enum mw_integer_trait {
    MW_INTEGER_IS_ZERO,      ///< as a divisor
    MW_INTEGER_IS_NEGATIVE,  ///< as an exponent
} mw_integer_trait;

/// Comparisons, of every type. With a NaN operand only NOT_EQUAL is true; false is less than true.
typedef enum mw_comparison {
    MW_COMPARISON_EQUAL,
    MW_COMPARISON_NOT_EQUAL,
    MW_COMPARISON_LESS,
    MW_COMPARISON_LESS_EQUAL,
    MW_COMPARISON_GREATER,
    MW_COMPARISON_GREATER_EQUAL,
} mw_comparison;

/// Kernels take `rank` (0...MW_MAXIMUM_RANK) and `shape` of the *result*, and for each operand its base pointer and
/// `rank` strides; stride 0 broadcasts an axis, so `b_strides` all zero makes `b` a scalar. The result is contiguous
/// and row-major. Axes are collapsed inside; contiguous, inner-contiguous and scalar operands have loops of their own.
///
/// The caller asks only for operations that are defined for the element type.
typedef struct mw_elementwise_kernels {
    void (*unary)(
        mw_unary_operation operation, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
        const ptrdiff_t *a_strides);

    void (*binary)(
        mw_binary_operation operation, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, void *out,
        const void *a, const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides);

    /// `dtype` is that of `a` and `b`; `out` holds bools.
    void (*compare)(
        mw_comparison comparison, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, uint8_t *out, const void *a,
        const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides);

    /// out = condition ? a : b, for elements of 1, 2, 4 or 8 bytes, whose bits are moved.
    void (*select)(
        ptrdiff_t element_size, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const uint8_t *condition,
        const ptrdiff_t *condition_strides, const void *a, const ptrdiff_t *a_strides, const void *b,
        const ptrdiff_t *b_strides);

    /// Whether each float is of the class; `out` holds bools.
    void (*classify)(
        mw_float_class class_, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, uint8_t *out, const void *a,
        const ptrdiff_t *a_strides);

    /// Whether an integer among the elements of `a` has the trait.
    bool (*contains)(
        mw_integer_trait trait, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, const void *a,
        const ptrdiff_t *a_strides);

    /// Elements of `a`, of type `from`, as elements of type `to`, which is another; `out` is never `a`. Floats become
    /// integers toward zero, saturating, and NaN becomes 0; numbers become floats to nearest, rounded once, ties to
    /// even; integers become others modulo their range; what is not 0 (NaN among it) is true, and true is 1.
    void (*convert)(
        mw_dtype to, mw_dtype from, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
        const ptrdiff_t *a_strides);
} mw_elementwise_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_ELEMENTWISE_KERNEL(apply, path) \
    apply(elementwise, unary, path) \
    apply(elementwise, binary, path) \
    apply(elementwise, compare, path) \
    apply(elementwise, select, path) \
    apply(elementwise, classify, path) \
    apply(elementwise, contains, path) \
    apply(elementwise, convert, path)

#pragma clang assume_nonnull end

#endif
