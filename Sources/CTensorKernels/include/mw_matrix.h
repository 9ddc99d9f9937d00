// Matrix products.
#ifndef MESHWORK_MATRIX_H
#define MESHWORK_MATRIX_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// Products of matrices.
typedef struct mw_matrix_kernels {
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
} mw_matrix_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_MATRIX_KERNEL(apply, path) \
    apply(matrix, gemm_f32, path)

#pragma clang assume_nonnull end

#endif
