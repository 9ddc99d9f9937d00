// Looking for values that are not finite, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

/// A number is not finite when all bits of its exponent are set. A block answers yes or no in a loop without branches;
/// only a block that says yes is searched for the place.
#define MW_NON_FINITE_SEARCH(name, BITS, EXPONENT)                                                                    \
    static ptrdiff_t name(const BITS *values, ptrdiff_t count) {                                                       \
        enum { block_size = 2048 };                                                                                    \
        for (ptrdiff_t begin = 0; begin < count; begin += block_size) {                                                \
            const ptrdiff_t end = count - begin < block_size ? count : begin + block_size;                             \
            BITS found = 0;                                                                                            \
            for (ptrdiff_t i = begin; i < end; i++) {                                                                  \
                found |= (BITS)((values[i] & EXPONENT) == EXPONENT);                                                   \
            }                                                                                                          \
            for (ptrdiff_t i = begin; found && i < end; i++) {                                                         \
                if ((values[i] & EXPONENT) == EXPONENT) {                                                              \
                    return i;                                                                                          \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return -1;                                                                                                     \
    }

MW_NON_FINITE_SEARCH(first_non_finite_64, uint64_t, UINT64_C(0x7ff0000000000000))
MW_NON_FINITE_SEARCH(first_non_finite_32, uint32_t, UINT32_C(0x7f800000))
MW_NON_FINITE_SEARCH(first_non_finite_bf16, uint16_t, UINT16_C(0x7f80))
MW_NON_FINITE_SEARCH(first_non_finite_f16, uint16_t, UINT16_C(0x7c00))

ptrdiff_t MW_KERNEL(first_non_finite)(mw_dtype dtype, const void *values, ptrdiff_t count) {
    switch (dtype) {
    case MW_DTYPE_F64: return first_non_finite_64(values, count);
    case MW_DTYPE_F32: return first_non_finite_32(values, count);
    case MW_DTYPE_BF16: return first_non_finite_bf16(values, count);
    case MW_DTYPE_F16: return first_non_finite_f16(values, count);
    default: return -1;
    }
}
