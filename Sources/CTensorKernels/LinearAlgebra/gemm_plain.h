// Products of elements that are multiplied as they are: f32 and f64. Tiles read them in place where that is as fast.

#define MW_GEMM_STEP 1
#define MW_GEMM_READS_IN_PLACE 1
#define widen_left(element) (element)
#define widen_right(element) (element)

static void pack_left(packed_left *out, const left_element *source, ptrdiff_t stride, ptrdiff_t count) {
    if (stride == 1) {
        memcpy(out, source, (size_t)count * sizeof *out);
        return;
    }
    for (ptrdiff_t p = 0; p < count; p++) {
        out[p] = source[p * stride];
    }
}

#define pack_right_steps pack_left

MW_ALWAYS_INLINE right_vector load_right_steps(const right_element *source) {
    right_vector vector;
    memcpy(&vector, source, sizeof vector);
    return vector;
}
#define load_left_steps load_right_steps

static void pack_right(
    packed_right *out, const right_element *source, ptrdiff_t row_stride, ptrdiff_t column_stride, ptrdiff_t count,
    ptrdiff_t width) {
    (void)row_stride, (void)count;
    if (column_stride == 1 && width == MW_GEMM_TILE_COLUMNS) {
        memcpy(out, source, MW_GEMM_TILE_COLUMNS * sizeof *out);
        return;
    }
    for (ptrdiff_t j = 0; j < width; j++) {
        out[j] = source[j * column_stride];
    }
}
