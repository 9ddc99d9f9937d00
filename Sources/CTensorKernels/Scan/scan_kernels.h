// Looking for values that are not finite, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

ptrdiff_t MW_KERNEL(first_non_finite_f32)(const float *values, ptrdiff_t count) {
    // A block answers yes or no in a loop without branches; only a block that says yes is searched for the place.
    enum { block_size = 2048 };
    const uint32_t exponent_mask = 0x7f800000u;
    for (ptrdiff_t begin = 0; begin < count; begin += block_size) {
        const ptrdiff_t end = count - begin < block_size ? count : begin + block_size;
        uint32_t found = 0;
        for (ptrdiff_t i = begin; i < end; i++) {
            found |= (uint32_t)((mw_bits_of(values[i]) & exponent_mask) == exponent_mask);
        }
        for (ptrdiff_t i = begin; found && i < end; i++) {
            if ((mw_bits_of(values[i]) & exponent_mask) == exponent_mask) {
                return i;
            }
        }
    }
    return -1;
}
