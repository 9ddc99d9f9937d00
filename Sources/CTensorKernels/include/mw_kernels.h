// The dispatch table: one struct of function pointers for each instruction set.
//
// Ordinary callers write `mw_active_kernels()->binary_f32(...)`; tests compare paths with `mw_kernels_for(isa)`.
#ifndef MESHWORK_KERNELS_H
#define MESHWORK_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// The largest rank that the strided kernels take.
#define MW_MAXIMUM_RANK 8

/// An instruction-set path. Every machine has the scalar one.
typedef enum mw_isa {
    MW_ISA_SCALAR = 0,
    MW_ISA_AVX2 = 1,    ///< AVX2 and FMA3
    MW_ISA_AVX512 = 2,  ///< AVX-512 F, BW, DQ and VL
} mw_isa;

/// Number of values of `mw_isa`.
#define MW_ISA_COUNT 3

/// Operations of one f32 operand.
typedef enum mw_unary_operation {
    MW_UNARY_NEGATE,
    MW_UNARY_RELU,  ///< max(x, 0); NaN stays NaN, -0 becomes +0
    MW_UNARY_EXP,   ///< within 1.02 ULP for every argument; subnormal results kept, overflow gives +inf
    MW_UNARY_LOG,   ///< within 0.83 ULP for every argument, subnormal ones too; log(±0) = -inf, log(x < 0) = NaN
    MW_UNARY_SQRT,  ///< correctly rounded
} mw_unary_operation;

/// Operations of two f32 operands.
typedef enum mw_binary_operation {
    MW_BINARY_ADD,
    MW_BINARY_SUBTRACT,
    MW_BINARY_MULTIPLY,
    MW_BINARY_DIVIDE,
    MW_BINARY_RELU_GRADIENT,  ///< a is ReLU's output, b the upstream gradient: a > 0 ? b : 0
} mw_binary_operation;

/// Operations of two i32 operands. All wrap around.
typedef enum mw_integer_operation {
    MW_INTEGER_ADD,
    MW_INTEGER_SUBTRACT,
    MW_INTEGER_MULTIPLY,
} mw_integer_operation;

/// Comparisons. With a NaN operand only NOT_EQUAL is true.
typedef enum mw_comparison {
    MW_COMPARISON_EQUAL,
    MW_COMPARISON_NOT_EQUAL,
    MW_COMPARISON_LESS,
    MW_COMPARISON_LESS_EQUAL,
    MW_COMPARISON_GREATER,
    MW_COMPARISON_GREATER_EQUAL,
} mw_comparison;

/// Conversions between element types. A bool is one byte, 0 or 1.
typedef enum mw_conversion {
    MW_CONVERT_F32_TO_I32,   ///< toward zero, saturating; NaN gives 0
    MW_CONVERT_I32_TO_F32,   ///< to nearest, ties to even
    MW_CONVERT_F32_TO_BOOL,  ///< x != 0, so NaN gives 1
    MW_CONVERT_I32_TO_BOOL,  ///< x != 0
    MW_CONVERT_BOOL_TO_F32,
    MW_CONVERT_BOOL_TO_I32,
} mw_conversion;

/// Reductions.
typedef enum mw_reduction {
    MW_REDUCE_SUM,      ///< of no elements: 0
    MW_REDUCE_MAXIMUM,  ///< NaN if any element is NaN; of no elements: -inf, INT32_MIN for i32
} mw_reduction;

/// What one step of Adam needs beside its arrays (Kingma & Ba 2015, algorithm 1).
typedef struct mw_adam_step {
    float learning_rate;
    float beta1;
    float beta2;
    float epsilon;
    /// beta1^t and beta2^t for the step being applied (t = 1 for the first), from stored state: the caller
    /// multiplies and stores them, so that a restored optimizer continues with the same bits.
    double beta1_power;
    double beta2_power;
} mw_adam_step;

/// The kernels of one instruction set.
///
/// Strided kernels take `rank` (0...MW_MAXIMUM_RANK) and `shape` of the *result*, and for each operand its base
/// pointer and `rank` strides; stride 0 broadcasts an axis, so `b_strides` all zero makes `b` a scalar. The result
/// is contiguous and row-major. Axes are collapsed inside; contiguous, inner-contiguous and scalar operands have
/// loops of their own.
typedef struct mw_kernels {
    mw_isa isa;
    /// "scalar", "avx2" or "avx512".
    const char *name;

    // MARK: Elementwise

    void (*unary_f32)(
        mw_unary_operation operation, ptrdiff_t rank, const ptrdiff_t *shape, float *out, const float *a,
        const ptrdiff_t *a_strides);

    void (*binary_f32)(
        mw_binary_operation operation, ptrdiff_t rank, const ptrdiff_t *shape, float *out, const float *a,
        const ptrdiff_t *a_strides, const float *b, const ptrdiff_t *b_strides);

    void (*binary_i32)(
        mw_integer_operation operation, ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const int32_t *a,
        const ptrdiff_t *a_strides, const int32_t *b, const ptrdiff_t *b_strides);

    /// `out` holds bools.
    void (*compare_f32)(
        mw_comparison comparison, ptrdiff_t rank, const ptrdiff_t *shape, uint8_t *out, const float *a,
        const ptrdiff_t *a_strides, const float *b, const ptrdiff_t *b_strides);

    /// `out` holds bools.
    void (*compare_i32)(
        mw_comparison comparison, ptrdiff_t rank, const ptrdiff_t *shape, uint8_t *out, const int32_t *a,
        const ptrdiff_t *a_strides, const int32_t *b, const ptrdiff_t *b_strides);

    /// out = condition ? a : b, for elements of four bytes (f32 and i32 alike: only bits are moved).
    void (*select_32)(
        ptrdiff_t rank, const ptrdiff_t *shape, uint32_t *out, const uint8_t *condition,
        const ptrdiff_t *condition_strides, const uint32_t *a, const ptrdiff_t *a_strides, const uint32_t *b,
        const ptrdiff_t *b_strides);

    /// The types behind `out` and `a` are those that `conversion` names; `out` is never `a`.
    void (*convert)(
        mw_conversion conversion, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
        const ptrdiff_t *a_strides);

    // MARK: Linear algebra

    /// c = a · b, or c += a · b where `accumulate`: a is [m, k], b is [k, n], c is [m, n].
    ///
    /// The strides of `a` and `b` are free, so a transpose is a swap of two strides; rows of `c` are contiguous and
    /// `c_row_stride` elements apart. Without `accumulate` c is not read (a NaN in it is lost); with k = 0 it is
    /// filled with zeros. `c` must not overlap `a` or `b`.
    ///
    /// An element is the sum over k in blocks of 256, each block summed in order with fused multiply-adds, whatever
    /// m, n, the strides and the number of threads are: one row computed alone has the bits that it has in a batch.
    /// AVX2 and AVX-512 give the same bits; the scalar path may differ from them.
    ///
    /// `thread_budget` bounds the threads that take part, the caller included: 1 computes on the caller alone, 0
    /// allows all of the compute pool. Small products stay on the caller.
    void (*gemm_f32)(
        ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t a_row_stride, ptrdiff_t a_column_stride,
        const float *b, ptrdiff_t b_row_stride, ptrdiff_t b_column_stride, float *c, ptrdiff_t c_row_stride,
        bool accumulate, ptrdiff_t thread_budget);

    // MARK: Reductions

    /// Reduces the axes whose bit is set in `axes` (bit 0 is axis 0; at least the bits of `rank` axes count).
    /// `shape` and `strides` are those of `a`; `out` is contiguous over the axes that remain, in their order, and
    /// is not `a`.
    ///
    /// Sums follow one fixed tree over the reduced elements in logical row-major order (blocks of 256 elements in 16
    /// lanes, blocks combined pairwise): the bits depend on the values and their logical order only, not on
    /// strides, instruction set or threads, and the error grows with log n.
    void (*reduce_f32)(
        mw_reduction reduction, ptrdiff_t rank, const ptrdiff_t *shape, float *out, const float *a,
        const ptrdiff_t *strides, uint32_t axes);

    /// As `reduce_f32`; sums wrap around.
    void (*reduce_i32)(
        mw_reduction reduction, ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const int32_t *a,
        const ptrdiff_t *strides, uint32_t axes);

    /// The index along `axis` of the first maximum, as i32, contiguous over the remaining axes. The first NaN
    /// counts as the maximum (as in NumPy). `shape[axis]` is 1...INT32_MAX.
    void (*argmax_f32)(
        ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const float *a, const ptrdiff_t *strides,
        ptrdiff_t axis);

    // MARK: Rows of class scores

    /// Softmax of each of `rows` rows of `columns` contiguous elements, `a_row_stride` apart; `out` is contiguous.
    /// Shifted by the row's maximum. A row of only -inf gives NaN. `out` may be `a` if a's rows are contiguous.
    void (*softmax_f32)(
        ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a, ptrdiff_t a_row_stride);

    /// Logarithm of softmax; as `softmax_f32` otherwise.
    void (*log_softmax_f32)(
        ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a, ptrdiff_t a_row_stride);

    /// losses[r] = log Σ_j exp(logits[r, j]) - logits[r, labels[r]], for rows of `classes` contiguous elements.
    /// Every label lies in 0..<classes (see `mw_first_index_out_of_range`).
    void (*cross_entropy_f32)(
        ptrdiff_t rows, ptrdiff_t classes, float *losses, const float *logits, ptrdiff_t logits_row_stride,
        const int32_t *labels);

    /// out[r, j] = upstream[r * upstream_stride] * (softmax(logits[r])[j] - (j == labels[r])).
    /// `upstream_stride` 0 broadcasts one value. `out` is contiguous and may be `logits` if its rows are contiguous.
    void (*cross_entropy_gradient_f32)(
        ptrdiff_t rows, ptrdiff_t classes, float *out, const float *logits, ptrdiff_t logits_row_stride,
        const int32_t *labels, const float *upstream, ptrdiff_t upstream_stride);

    // MARK: Random numbers

    /// Elements first ..< first + count of the stream of random 32-bit words that belongs to a key.
    ///
    /// The generator is Threefry-2x32 with 20 rounds (Salmon et al., SC 2011). Element i is word i % 2 of the block
    /// whose counter is i / 2, its low 32 bits as counter word 0 and its high 32 bits as counter word 1. These bits
    /// are permanent: they do not change with machine, instruction set, thread count or release.
    void (*random_bits)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, uint32_t *out);

    /// As `random_bits`, each word w as the f32 (w >> 8) * 2^-24 in [0, 1).
    void (*random_uniform_f32)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, float *out);

    // MARK: Optimizers

    /// parameters -= learning_rate * gradient, one fused multiply-add an element.
    void (*sgd_f32)(ptrdiff_t count, float *parameters, const float *gradient, float learning_rate);

    /// One step of Adam in place. For each element, with the corrections c1 = 1 - beta1^t and c2 = 1 - beta2^t:
    /// m = β1 m + (1-β1) g;  v = β2 v + (1-β2) g²;  p -= (lr / c1) · m / (√v / √c2 + ε).
    void (*adam_f32)(
        ptrdiff_t count, float *parameters, float *first_moment, float *second_moment, const float *gradient,
        const mw_adam_step *step);

    // MARK: Scanning

    /// The index of the first NaN or infinity, or -1.
    ptrdiff_t (*first_non_finite_f32)(const float *values, ptrdiff_t count);
} mw_kernels;

/// The table in use in this process: the widest path that the machine has, or the one that the environment variable
/// MESHWORK_ISA (scalar, avx2 or avx512) forces. A name that is unknown, or that this machine lacks, is ignored.
/// Chosen once, at the first call.
const mw_kernels *mw_active_kernels(void);

/// The table of one path, or NULL where this machine or this build lacks it.
const mw_kernels *_Nullable mw_kernels_for(mw_isa isa);

/// Writes the paths that this machine has into `paths`, narrowest first, and returns how many there are (1 or more).
ptrdiff_t mw_available_paths(mw_isa paths[_Nonnull MW_ISA_COUNT]);

/// One block of Threefry-2x32 with 20 rounds: the words that `key0, key1` give for the counter `counter0, counter1`.
void mw_threefry2x32(uint32_t key0, uint32_t key1, uint32_t counter0, uint32_t counter1, uint32_t out[_Nonnull 2]);

#pragma clang assume_nonnull end

#endif
