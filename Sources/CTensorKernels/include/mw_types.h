// The types that every kernel knows: instruction-set paths and element types.
#ifndef MESHWORK_TYPES_H
#define MESHWORK_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// The largest rank that the strided kernels take.
#define MW_MAXIMUM_RANK 8

/// An instruction-set path. Every machine has the scalar one.
typedef enum mw_isa {
    MW_ISA_SCALAR = 0,
    MW_ISA_AVX2 = 1,         ///< AVX2 and FMA3
    MW_ISA_AVX512 = 2,       ///< AVX-512 F, BW, DQ and VL
    MW_ISA_AVX512_VNNI = 3,  ///< and VNNI, for products of bytes; every other kernel is AVX-512's
    MW_ISA_AVX512_BF16 = 4,  ///< and BF16, for products of bf16
} mw_isa;

/// Number of values of `mw_isa`.
#define MW_ISA_COUNT 5

/// An element type. The values are those of Swift's `DType`, and permanent: they travel in messages and files.
typedef enum mw_dtype {
    MW_DTYPE_F32 = 1,
    MW_DTYPE_I32 = 2,
    MW_DTYPE_BOOL = 3,  ///< one byte, 0 or 1
    MW_DTYPE_F64 = 4,
    MW_DTYPE_BF16 = 5,  ///< the upper half of an f32
    MW_DTYPE_F16 = 6,   ///< IEEE 754 binary16
    MW_DTYPE_I8 = 7,
    MW_DTYPE_I16 = 8,
    MW_DTYPE_I64 = 9,
    MW_DTYPE_U8 = 10,
    MW_DTYPE_U16 = 11,
    MW_DTYPE_U32 = 12,
    MW_DTYPE_U64 = 13,
} mw_dtype;

/// One more than the largest value of `mw_dtype`.
#define MW_DTYPE_COUNT 14

/// Bytes of one element.
static inline ptrdiff_t mw_dtype_size(mw_dtype dtype) {
    static const unsigned char sizes[MW_DTYPE_COUNT] = {
        [MW_DTYPE_F32] = 4, [MW_DTYPE_I32] = 4, [MW_DTYPE_BOOL] = 1, [MW_DTYPE_F64] = 8, [MW_DTYPE_BF16] = 2,
        [MW_DTYPE_F16] = 2, [MW_DTYPE_I8] = 1,  [MW_DTYPE_I16] = 2,  [MW_DTYPE_I64] = 8, [MW_DTYPE_U8] = 1,
        [MW_DTYPE_U16] = 2, [MW_DTYPE_U32] = 4, [MW_DTYPE_U64] = 8,
    };
    return sizes[dtype];
}

#pragma clang assume_nonnull end

#endif
