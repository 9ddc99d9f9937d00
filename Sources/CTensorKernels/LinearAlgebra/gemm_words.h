// Products of elements that an instruction multiplies by twos or fours: a step is a word of 32 bits that holds as many
// neighbours in k, the first one lowest. The file that includes it defines the types of the elements, MW_GEMM_STEP, and
// widen(element), which gives the bits that stand for an element in a word.

#define MW_GEMM_READS_IN_PLACE 0
#define MW_GEMM_WORD_SHIFT (32 / MW_GEMM_STEP)

/// Elements of a row as steps.
#define MW_GEMM_PACK_STEPS(pack, element)                                                                              \
    static void pack(packed_left *out, const element *source, ptrdiff_t stride, ptrdiff_t count) {                     \
        ptrdiff_t step = 0;                                                                                            \
        if (stride == 1) {                                                                                             \
            for (; step < count / MW_GEMM_STEP; step++) {                                                              \
                uint32_t word = 0;                                                                                     \
                for (int q = 0; q < MW_GEMM_STEP; q++) {                                                               \
                    word |= widen(source[step * MW_GEMM_STEP + q]) << (q * MW_GEMM_WORD_SHIFT);                        \
                }                                                                                                      \
                out[step] = word;                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        for (; step * MW_GEMM_STEP < count; step++) {                                                                  \
            uint32_t word = 0;                                                                                         \
            for (ptrdiff_t q = 0; q < MW_GEMM_STEP && step * MW_GEMM_STEP + q < count; q++) {                          \
                word |= widen(source[(step * MW_GEMM_STEP + q) * stride]) << (q * MW_GEMM_WORD_SHIFT);                 \
            }                                                                                                          \
            out[step] = word;                                                                                          \
        }                                                                                                              \
    }

MW_GEMM_PACK_STEPS(pack_left, left_element)
MW_GEMM_PACK_STEPS(pack_right_steps, right_element)

static void pack_right(
    packed_right *out, const right_element *source, ptrdiff_t row_stride, ptrdiff_t column_stride, ptrdiff_t count,
    ptrdiff_t width) {
    if (column_stride == 1 && count == MW_GEMM_STEP) {
        MW_VECTOR_LOOP
        for (ptrdiff_t j = 0; j < width; j++) {
            uint32_t word = 0;
#pragma clang loop unroll(full)
            for (int q = 0; q < MW_GEMM_STEP; q++) {
                word |= widen(source[q * row_stride + j]) << (q * MW_GEMM_WORD_SHIFT);
            }
            out[j] = word;
        }
        return;
    }
    for (ptrdiff_t j = 0; j < width; j++) {
        uint32_t word = 0;
        for (ptrdiff_t q = 0; q < count; q++) {
            word |= widen(source[q * row_stride + j * column_stride]) << (q * MW_GEMM_WORD_SHIFT);
        }
        out[j] = word;
    }
}
