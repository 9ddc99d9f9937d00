// Transposes squares of steps, of 32 bits whatever they hold or of 64.

/// Eight rows of eight elements to eight columns.
MW_ALWAYS_INLINE void transpose_8x8(__m256 *rows) {
    __m256 pairs[8], quads[8];
    // Within each 128-bit lane, two rows and then four are interleaved …
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        quads[i] = (__m256)_mm256_unpacklo_pd((__m256d)pairs[i], (__m256d)pairs[i + 2]);
        quads[i + 1] = (__m256)_mm256_unpackhi_pd((__m256d)pairs[i], (__m256d)pairs[i + 2]);
        quads[i + 2] = (__m256)_mm256_unpacklo_pd((__m256d)pairs[i + 1], (__m256d)pairs[i + 3]);
        quads[i + 3] = (__m256)_mm256_unpackhi_pd((__m256d)pairs[i + 1], (__m256d)pairs[i + 3]);
    }
    // … then the two lanes change places.
    for (int i = 0; i < 4; i++) {
        rows[i] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
        rows[i + 4] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
    }
}

/// Four rows of four elements to four columns.
MW_ALWAYS_INLINE void transpose_4x4(__m256d *rows) {
    const __m256d low01 = _mm256_unpacklo_pd(rows[0], rows[1]), high01 = _mm256_unpackhi_pd(rows[0], rows[1]);
    const __m256d low23 = _mm256_unpacklo_pd(rows[2], rows[3]), high23 = _mm256_unpackhi_pd(rows[2], rows[3]);
    rows[0] = _mm256_permute2f128_pd(low01, low23, 0x20);
    rows[1] = _mm256_permute2f128_pd(high01, high23, 0x20);
    rows[2] = _mm256_permute2f128_pd(low01, low23, 0x31);
    rows[3] = _mm256_permute2f128_pd(high01, high23, 0x31);
}

MW_ALWAYS_INLINE void transpose_steps_f32(void *rows) { transpose_8x8(rows); }
MW_ALWAYS_INLINE void transpose_steps_f64(void *rows) { transpose_4x4(rows); }
MW_ALWAYS_INLINE void transpose_steps_i32(void *rows) { transpose_8x8(rows); }
/// Transposes a square of MW_GEMM_LANES vectors.
#define transpose_steps MW_GEMM_NAME(transpose_steps_, MW_GEMM_SUM)

#ifdef MW_GEMM_PACKS_TRANSPOSED_ROWS
/// The words 0..<count of eight, as a mask.
MW_ALWAYS_INLINE __m256i first_words(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static void pack_transposed(
    void *out, ptrdiff_t out_stride, ptrdiff_t rows, ptrdiff_t depth, const void *source, ptrdiff_t source_row_bytes) {
    float *words = out;
    for (ptrdiff_t row = 0; row < rows; row += 8) {
        const int count = rows - row < 8 ? (int)(rows - row) : 8;
        const __m256i out_mask = first_words(count);
        for (ptrdiff_t p = 0; p < depth; p += 8) {
            const int length = depth - p < 8 ? (int)(depth - p) : 8;
            const __m256i mask = first_words(length);
            __m256 block[8];
            for (int i = 0; i < 8; i++) {
                block[i] = i < count ? _mm256_maskload_ps(
                                           (const float *)((const char *)source + (row + i) * source_row_bytes) + p,
                                           mask)
                                     : _mm256_setzero_ps();
            }
            transpose_8x8(block);
            for (int i = 0; i < 8; i++) {
                if (i < length) {
                    _mm256_maskstore_ps(words + (p + i) * out_stride + row, out_mask, block[i]);
                }
            }
        }
    }
}
#endif
