// Declares each path's kernels, so that its table can name them.
//
// A kernel called `gemm_f32` is the function `mw_gemm_f32_avx2` in the AVX2 path. The declarations take their types
// from the table's own fields: a kernel whose signature drifts from its field does not compile.
#ifndef MESHWORK_KERNEL_PATH_H
#define MESHWORK_KERNEL_PATH_H

#include "../include/mw_kernels.h"

#if defined(__x86_64__)
#define MW_HAS_X86_PATHS 1
#else
#define MW_HAS_X86_PATHS 0
#endif

/// Applies `apply(kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_KERNEL(apply, path)                                                                                \
    apply(unary_f32, path)                                                                                             \
    apply(binary_f32, path)                                                                                            \
    apply(binary_i32, path)                                                                                            \
    apply(compare_f32, path)                                                                                           \
    apply(compare_i32, path)                                                                                           \
    apply(select_32, path)                                                                                             \
    apply(convert, path)                                                                                               \
    apply(gemm_f32, path)                                                                                              \
    apply(reduce_f32, path)                                                                                            \
    apply(reduce_i32, path)                                                                                            \
    apply(argmax_f32, path)                                                                                            \
    apply(softmax_f32, path)                                                                                           \
    apply(log_softmax_f32, path)                                                                                       \
    apply(cross_entropy_f32, path)                                                                                     \
    apply(cross_entropy_gradient_f32, path)                                                                            \
    apply(random_bits, path)                                                                                           \
    apply(random_uniform_f32, path)                                                                                    \
    apply(sgd_f32, path)                                                                                               \
    apply(adam_f32, path)                                                                                              \
    apply(first_non_finite_f32, path)

#define MW_KERNEL_NAME(kernel, path) mw_##kernel##_##path

#define MW_DECLARE_KERNEL(kernel, path)                                                                               \
    __typeof__(*(((mw_kernels *)0)->kernel)) MW_KERNEL_NAME(kernel, path) __attribute__((visibility("hidden")));

MW_FOR_EACH_KERNEL(MW_DECLARE_KERNEL, scalar)
#if MW_HAS_X86_PATHS
MW_FOR_EACH_KERNEL(MW_DECLARE_KERNEL, avx2)
MW_FOR_EACH_KERNEL(MW_DECLARE_KERNEL, avx512)
#endif

#endif
