// Products of elements that are widened to the type of their sums while they are packed. The file that includes it
// defines the types of the elements, and widen_left(element) and widen_right(element).

#define MW_GEMM_STEP 1
#define MW_GEMM_READS_IN_PLACE 0
#define MW_GEMM_PACKS_WORDS 0

static void pack_left(packed_left *out, const left_element *source, ptrdiff_t stride, ptrdiff_t count) {
    if (stride == 1) {
        MW_VECTOR_LOOP
        for (ptrdiff_t p = 0; p < count; p++) {
            out[p] = widen_left(source[p]);
        }
        return;
    }
    for (ptrdiff_t p = 0; p < count; p++) {
        out[p] = widen_left(source[p * stride]);
    }
}

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
