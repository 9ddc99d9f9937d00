// Transposes squares of steps, of 32 bits whatever they hold or of 64.

/// Sixteen rows of sixteen elements to sixteen columns.
MW_ALWAYS_INLINE void transpose_16x16(__m512 *rows) {
    __m512 pairs[16], quads[16];
    // Within each 128-bit lane, two rows and then four are interleaved …
    for (int i = 0; i < 16; i += 2) {
        pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        quads[i] = (__m512)_mm512_unpacklo_pd((__m512d)pairs[i], (__m512d)pairs[i + 2]);
        quads[i + 1] = (__m512)_mm512_unpackhi_pd((__m512d)pairs[i], (__m512d)pairs[i + 2]);
        quads[i + 2] = (__m512)_mm512_unpacklo_pd((__m512d)pairs[i + 1], (__m512d)pairs[i + 3]);
        quads[i + 3] = (__m512)_mm512_unpackhi_pd((__m512d)pairs[i + 1], (__m512d)pairs[i + 3]);
    }
    // … then the 128-bit lanes change places: column 4 l + i gathers lane l of quads i, i + 4, i + 8, i + 12.
    for (int i = 0; i < 4; i++) {
        const __m512 low02 = _mm512_shuffle_f32x4(quads[i], quads[i + 4], 0x88);
        const __m512 low13 = _mm512_shuffle_f32x4(quads[i], quads[i + 4], 0xdd);
        const __m512 high02 = _mm512_shuffle_f32x4(quads[i + 8], quads[i + 12], 0x88);
        const __m512 high13 = _mm512_shuffle_f32x4(quads[i + 8], quads[i + 12], 0xdd);
        rows[i] = _mm512_shuffle_f32x4(low02, high02, 0x88);
        rows[i + 8] = _mm512_shuffle_f32x4(low02, high02, 0xdd);
        rows[i + 4] = _mm512_shuffle_f32x4(low13, high13, 0x88);
        rows[i + 12] = _mm512_shuffle_f32x4(low13, high13, 0xdd);
    }
}

/// Eight rows of eight elements to eight columns.
MW_ALWAYS_INLINE void transpose_8x8(__m512d *rows) {
    __m512d pairs[8], halves[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm512_unpacklo_pd(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_pd(rows[i], rows[i + 1]);
    }
    // The 128-bit lanes change places: column 2 l + i gathers lane l of pairs i, i + 2, i + 4, i + 6.
    for (int i = 0; i < 8; i += 4) {
        for (int q = 0; q < 2; q++) {
            halves[i + q] = _mm512_shuffle_f64x2(pairs[i + q], pairs[i + 2 + q], 0x88);
            halves[i + 2 + q] = _mm512_shuffle_f64x2(pairs[i + q], pairs[i + 2 + q], 0xdd);
        }
    }
    for (int q = 0; q < 2; q++) {
        rows[q] = _mm512_shuffle_f64x2(halves[q], halves[4 + q], 0x88);
        rows[4 + q] = _mm512_shuffle_f64x2(halves[q], halves[4 + q], 0xdd);
        rows[2 + q] = _mm512_shuffle_f64x2(halves[2 + q], halves[6 + q], 0x88);
        rows[6 + q] = _mm512_shuffle_f64x2(halves[2 + q], halves[6 + q], 0xdd);
    }
}

MW_ALWAYS_INLINE void transpose_steps_f32(void *rows) { transpose_16x16(rows); }
MW_ALWAYS_INLINE void transpose_steps_f64(void *rows) { transpose_8x8(rows); }
MW_ALWAYS_INLINE void transpose_steps_i32(void *rows) { transpose_16x16(rows); }
/// Transposes a square of MW_GEMM_LANES vectors.
#define transpose_steps MW_GEMM_NAME(transpose_steps_, MW_GEMM_SUM)

#ifdef MW_GEMM_PACKS_TRANSPOSED_ROWS
static void pack_transposed(
    void *out, ptrdiff_t out_stride, ptrdiff_t rows, ptrdiff_t depth, const void *source, ptrdiff_t source_row_bytes) {
    float *words = out;
    for (ptrdiff_t row = 0; row < rows; row += 16) {
        const int count = rows - row < 16 ? (int)(rows - row) : 16;
        const __mmask16 out_mask = (__mmask16)(0xffffu >> (16 - count));
        for (ptrdiff_t p = 0; p < depth; p += 16) {
            const int length = depth - p < 16 ? (int)(depth - p) : 16;
            const __mmask16 mask = (__mmask16)(0xffffu >> (16 - length));
            __m512 block[16];
            for (int i = 0; i < 16; i++) {
                block[i] = i < count ? _mm512_maskz_loadu_ps(
                                           mask, (const char *)source + (row + i) * source_row_bytes + p * 4)
                                     : _mm512_setzero_ps();
            }
            transpose_16x16(block);
            for (int i = 0; i < 16; i++) {
                if (i < length) {
                    _mm512_mask_storeu_ps(words + (p + i) * out_stride + row, out_mask, block[i]);
                }
            }
        }
    }
}
#endif
