// A tile of up to 6 × 16 of a matrix product in 12 of the 16 AVX2 registers.

#define MW_GEMM_TILE_ROWS 6
#define MW_GEMM_TILE_COLUMNS 16

/// `rows`, `vectors` and `is_whole` are constants where this is inlined, so that the sums stay in registers. Unless the
/// tile is whole, `last` says which columns of the last vector exist; the others are neither read nor written.
MW_ALWAYS_INLINE void multiply_tile_of(
    const int rows, const int vectors, const bool is_whole, __m256i last, ptrdiff_t depth, const float *a,
    ptrdiff_t a_row_stride, ptrdiff_t a_column_stride, const float *b, ptrdiff_t b_row_stride, float *c,
    ptrdiff_t c_row_stride, bool accumulate) {
    __m256 sum[MW_GEMM_TILE_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        sum[i][0] = _mm256_setzero_ps();
        sum[i][1] = _mm256_setzero_ps();
    }
    // A row is reached from the third one before it or nearer: base + {0, 1, 2} · stride are addressing modes.
    const float *a0 = a;
    const float *a3 = rows > 3 ? a + 3 * a_row_stride : a;
    for (ptrdiff_t p = 0; p < depth; p++) {
        // Without this the compiler walks from row to row by one chain of additions, longer than the arithmetic.
        __asm__("" : "+r"(a0), "+r"(a3));
        const float *b_last = b + (vectors - 1) * 8;
        const __m256 b1 = is_whole ? _mm256_loadu_ps(b_last) : _mm256_maskload_ps(b_last, last);
        const __m256 b0 = vectors == 1 ? b1 : _mm256_loadu_ps(b);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const __m256 x = _mm256_broadcast_ss((i < 3 ? a0 : a3) + (i % 3) * a_row_stride);
            sum[i][0] = _mm256_fmadd_ps(x, b0, sum[i][0]);
            if (vectors == 2) {
                sum[i][1] = _mm256_fmadd_ps(x, b1, sum[i][1]);
            }
        }
        a0 += a_column_stride;
        a3 += a_column_stride;
        b += b_row_stride;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        float *row = c + i * c_row_stride;
        if (vectors == 2) {
            _mm256_storeu_ps(row, accumulate ? _mm256_add_ps(_mm256_loadu_ps(row), sum[i][0]) : sum[i][0]);
            row += 8;
        }
        const __m256 rest = sum[i][vectors - 1];
        if (is_whole) {
            _mm256_storeu_ps(row, accumulate ? _mm256_add_ps(_mm256_loadu_ps(row), rest) : rest);
        } else {
            _mm256_maskstore_ps(
                row, last, accumulate ? _mm256_add_ps(_mm256_maskload_ps(row, last), rest) : rest);
        }
    }
}

/// The lanes 0..<count, as a mask.
MW_ALWAYS_INLINE __m256i first_lanes(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

#define MW_GEMM_TILE(rows, vectors, is_whole, shape)                                                                  \
    static void multiply_tile_##rows##_##shape(                                                                        \
        ptrdiff_t columns, ptrdiff_t depth, const float *a, ptrdiff_t a_row_stride, ptrdiff_t a_column_stride,         \
        const float *b, ptrdiff_t b_row_stride, float *c, ptrdiff_t c_row_stride, bool accumulate) {                   \
        multiply_tile_of(                                                                                              \
            rows, vectors, is_whole, first_lanes((int)columns - (vectors - 1) * 8), depth, a, a_row_stride,            \
            a_column_stride, b, b_row_stride, c, c_row_stride, accumulate);                                            \
    }
#define MW_GEMM_TILES(rows)                                                                                           \
    MW_GEMM_TILE(rows, 1, false, narrow) MW_GEMM_TILE(rows, 2, false, wide) MW_GEMM_TILE(rows, 2, true, whole)

MW_GEMM_TILES(1)
MW_GEMM_TILES(2)
MW_GEMM_TILES(3)
MW_GEMM_TILES(4)
MW_GEMM_TILES(5)
MW_GEMM_TILES(6)

#define MW_GEMM_TILE_TRIPLE(rows)                                                                                      \
    {multiply_tile_##rows##_narrow, multiply_tile_##rows##_wide, multiply_tile_##rows##_whole}

MW_ALWAYS_INLINE void multiply_tile(
    ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const float *b, ptrdiff_t b_row_stride, float *c, ptrdiff_t c_row_stride,
    bool accumulate) {
    static void (*const tiles[MW_GEMM_TILE_ROWS][3])(
        ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, float *, ptrdiff_t,
        bool) = {
        MW_GEMM_TILE_TRIPLE(1), MW_GEMM_TILE_TRIPLE(2), MW_GEMM_TILE_TRIPLE(3),
        MW_GEMM_TILE_TRIPLE(4), MW_GEMM_TILE_TRIPLE(5), MW_GEMM_TILE_TRIPLE(6),
    };
    const int shape = columns <= 8 ? 0 : columns < 16 ? 1 : 2;
    tiles[rows - 1][shape](
        columns, depth, a, a_row_stride, a_column_stride, b, b_row_stride, c, c_row_stride, accumulate);
}

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

static void pack_transposed(
    float *out, ptrdiff_t out_stride, ptrdiff_t rows, ptrdiff_t depth, const float *source,
    ptrdiff_t source_row_stride) {
    for (ptrdiff_t row = 0; row < rows; row += 8) {
        const int count = rows - row < 8 ? (int)(rows - row) : 8;
        const __m256i out_mask = first_lanes(count);
        for (ptrdiff_t p = 0; p < depth; p += 8) {
            const int length = depth - p < 8 ? (int)(depth - p) : 8;
            const __m256i mask = first_lanes(length);
            __m256 block[8];
            for (int i = 0; i < 8; i++) {
                block[i] = i < count ? _mm256_maskload_ps(source + (row + i) * source_row_stride + p, mask)
                                     : _mm256_setzero_ps();
            }
            transpose_8x8(block);
            for (int i = 0; i < 8; i++) {
                if (i < length) {
                    _mm256_maskstore_ps(out + (p + i) * out_stride + row, out_mask, block[i]);
                }
            }
        }
    }
}
