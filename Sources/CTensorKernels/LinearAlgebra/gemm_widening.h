// Products of elements that are widened to the type of their sums while they are packed. The file that includes it
// defines the types of the elements, and widen_left(element) and widen_right(element).

#define MW_GEMM_STEP 1
#define MW_GEMM_READS_IN_PLACE 0

/// Elements of a row as steps.
#define MW_GEMM_PACK_STEPS(pack, element, widen)                                                                       \
    static void pack(packed_left *out, const element *source, ptrdiff_t stride, ptrdiff_t count) {                     \
        if (stride == 1) {                                                                                             \
            MW_VECTOR_LOOP                                                                                             \
            for (ptrdiff_t p = 0; p < count; p++) {                                                                    \
                out[p] = widen(source[p]);                                                                             \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (ptrdiff_t p = 0; p < count; p++) {                                                                        \
            out[p] = widen(source[p * stride]);                                                                        \
        }                                                                                                              \
    }

MW_GEMM_PACK_STEPS(pack_left, left_element, widen_left)
MW_GEMM_PACK_STEPS(pack_right_steps, right_element, widen_right)

#ifndef MW_GEMM_OWN_LOADS
/// As many steps as `gemm_dots.h` has lanes.
#define MW_GEMM_LOAD_STEPS(load, element, widen)                                                                       \
    MW_ALWAYS_INLINE right_vector load(const element *source) {                                                        \
        right_vector steps;                                                                                            \
        for (ptrdiff_t p = 0; p < MW_GEMM_LANES; p++) {                                                                \
            steps.lane[p] = widen(source[p]);                                                                          \
        }                                                                                                              \
        return steps;                                                                                                  \
    }

MW_GEMM_LOAD_STEPS(load_left_steps, left_element, widen_left)
MW_GEMM_LOAD_STEPS(load_right_steps, right_element, widen_right)
#endif

static void pack_right(
    packed_right *out, const right_element *source, ptrdiff_t row_stride, ptrdiff_t column_stride, ptrdiff_t count,
    ptrdiff_t width) {
    (void)row_stride, (void)count;
    if (column_stride == 1) {
        MW_VECTOR_LOOP
        for (ptrdiff_t j = 0; j < width; j++) {
            out[j] = widen_right(source[j]);
        }
        return;
    }
    for (ptrdiff_t j = 0; j < width; j++) {
        out[j] = widen_right(source[j * column_stride]);
    }
}
