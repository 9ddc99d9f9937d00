// Products of matrices.
#ifndef MESHWORK_MATRIX_H
#define MESHWORK_MATRIX_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// The operands of every kernel here: a is [m, k], b is [k, n], c is [m, n].
///
/// The strides of `a` and `b` are free, so a transpose is a swap of two strides; rows of `c` are contiguous and
/// `c_row_stride` elements apart. `c` must not overlap `a` or `b`.
#define MW_GEMM_OPERANDS(left, right, sum)                                                                             \
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const left *a, ptrdiff_t a_row_stride, ptrdiff_t a_column_stride,           \
        const right *b, ptrdiff_t b_row_stride, ptrdiff_t b_column_stride, sum *c, ptrdiff_t c_row_stride,             \
        bool accumulate, ptrdiff_t thread_budget

/// Products of matrices: c = a · b, or c += a · b where `accumulate`.
///
/// Without `accumulate` c is not read (a NaN in it is lost); with k = 0 it is filled with zeros. `thread_budget` bounds
/// the threads that take part, as that of `mw_parallel_for` does; small products stay on the caller. An element's bits
/// depend on its row of a and its column of b alone: not on m, n, the strides and the number of threads, so one row
/// computed alone has the bits that it has in a batch.
typedef struct mw_matrix_kernels {
    /// An element is the sum over k in blocks of 256, each block summed in order with fused multiply-adds. AVX2 and
    /// AVX-512 give the same bits; the scalar path may differ from them.
    void (*gemm_f32)(MW_GEMM_OPERANDS(float, float, float));

    /// As `gemm_f32`.
    void (*gemm_f64)(MW_GEMM_OPERANDS(double, double, double));

    /// bf16 matrices, summed in f32. Where the machine has AVX512-BF16, two neighbours in k are multiplied and added at
    /// once by VDPBF16PS, which takes subnormal operands and sums for 0 and rounds each addition to nearest; elsewhere
    /// elements are widened and `gemm_f32`'s sums are formed.
    void (*gemm_bf16)(MW_GEMM_OPERANDS(uint16_t, uint16_t, float));

    /// f16 matrices, widened and summed as `gemm_f32` does.
    void (*gemm_f16)(MW_GEMM_OPERANDS(uint16_t, uint16_t, float));

    /// Bytes, unsigned by signed, summed in i32: exact, and beyond 32 bits wrapping, on every path.
    void (*gemm_u8i8)(MW_GEMM_OPERANDS(uint8_t, int8_t, int32_t));

    /// Integers of one type; sums wrap around.
    void (*gemm_integer)(mw_dtype dtype, MW_GEMM_OPERANDS(void, void, void));
} mw_matrix_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_MATRIX_KERNEL(apply, path) \
    apply(matrix, gemm_f32, path) \
    apply(matrix, gemm_f64, path) \
    apply(matrix, gemm_bf16, path) \
    apply(matrix, gemm_f16, path) \
    apply(matrix, gemm_u8i8, path) \
    apply(matrix, gemm_integer, path)

#pragma clang assume_nonnull end

#endif
