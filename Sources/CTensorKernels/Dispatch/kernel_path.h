// Declares each path's kernels, so that its table can name them.
//
// A kernel called `gemm_f32` is the function `mw_gemm_f32_avx2` in the AVX2 path, whatever its family. The declarations
// take their types from the table's own fields: a kernel whose signature drifts from its field does not compile.
#ifndef MESHWORK_KERNEL_PATH_H
#define MESHWORK_KERNEL_PATH_H

#include "../include/mw_kernels.h"

#if defined(__x86_64__)
#define MW_HAS_X86_PATHS 1
#else
#define MW_HAS_X86_PATHS 0
#endif

#define MW_KERNEL_NAME(kernel, path) mw_##kernel##_##path

/// Applies `apply(family, list, path)` to every family of the table, with the list of its kernels.
#define MW_FOR_EACH_FAMILY(apply, path) \
    apply(elementwise, MW_FOR_EACH_ELEMENTWISE_KERNEL, path) \
    apply(reduction, MW_FOR_EACH_REDUCTION_KERNEL, path) \
    apply(rows, MW_FOR_EACH_ROW_KERNEL, path) \
    apply(matrix, MW_FOR_EACH_MATRIX_KERNEL, path) \
    apply(random, MW_FOR_EACH_RANDOM_KERNEL, path) \
    apply(optimizer, MW_FOR_EACH_OPTIMIZER_KERNEL, path) \
    apply(scan, MW_FOR_EACH_SCAN_KERNEL, path) \
    apply(convolution, MW_FOR_EACH_CONVOLUTION_KERNEL, path) \
    apply(pooling, MW_FOR_EACH_POOLING_KERNEL, path) \
    apply(attention, MW_FOR_EACH_ATTENTION_KERNEL, path)

#define MW_DECLARE_KERNEL(family, kernel, path)                                                                       \
    __typeof__(*(((mw_kernels *)0)->family.kernel)) MW_KERNEL_NAME(kernel, path)                                       \
        __attribute__((visibility("hidden")));
#define MW_DECLARE_FAMILY(family, list, path) list(MW_DECLARE_KERNEL, path)

MW_FOR_EACH_FAMILY(MW_DECLARE_FAMILY, scalar)
#if MW_HAS_X86_PATHS
MW_FOR_EACH_FAMILY(MW_DECLARE_FAMILY, avx2)
MW_FOR_EACH_FAMILY(MW_DECLARE_FAMILY, avx512)
MW_DECLARE_KERNEL(matrix, gemm_u8i8, avx512vnni)
MW_DECLARE_KERNEL(matrix, gemm_bf16, avx512bf16)
#endif

#endif
