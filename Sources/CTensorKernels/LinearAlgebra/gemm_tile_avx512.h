// A tile of up to 12 × 32 of a matrix product in 24 of the 32 AVX-512 registers.

#define MW_GEMM_TILE_ROWS 12
#define MW_GEMM_TILE_COLUMNS 32

/// `rows` and `vectors` are constants where this is inlined, so that the sums stay in registers.
MW_ALWAYS_INLINE void multiply_tile_of(
    const int rows, const int vectors, ptrdiff_t columns, ptrdiff_t depth, const float *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const float *b, ptrdiff_t b_row_stride, float *c, ptrdiff_t c_row_stride,
    bool accumulate) {
    // Lanes of the last vector that exist; the others are neither read nor written.
    const __mmask16 last = (__mmask16)(0xffffu >> (vectors * 16 - columns));
    __m512 sum[MW_GEMM_TILE_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        sum[i][0] = _mm512_setzero_ps();
        sum[i][1] = _mm512_setzero_ps();
    }
    // A row is reached from the third one before it or nearer: base + {0, 1, 2} · stride are addressing modes.
    const float *a0 = a;
    const float *a3 = rows > 3 ? a + 3 * a_row_stride : a;
    const float *a6 = rows > 6 ? a + 6 * a_row_stride : a;
    const float *a9 = rows > 9 ? a + 9 * a_row_stride : a;
    for (ptrdiff_t p = 0; p < depth; p++) {
        // Without this the compiler walks from row to row by one chain of additions, longer than the arithmetic.
        __asm__("" : "+r"(a0), "+r"(a3), "+r"(a6), "+r"(a9));
        const __m512 b0 = vectors == 1 ? _mm512_maskz_loadu_ps(last, b) : _mm512_loadu_ps(b);
        const __m512 b1 = vectors == 1 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(last, b + 16);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const float *base = i < 3 ? a0 : i < 6 ? a3 : i < 9 ? a6 : a9;
            const __m512 x = _mm512_set1_ps(base[(i % 3) * a_row_stride]);
            sum[i][0] = _mm512_fmadd_ps(x, b0, sum[i][0]);
            if (vectors == 2) {
                sum[i][1] = _mm512_fmadd_ps(x, b1, sum[i][1]);
            }
        }
        a0 += a_column_stride;
        a3 += a_column_stride;
        a6 += a_column_stride;
        a9 += a_column_stride;
        b += b_row_stride;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        float *row = c + i * c_row_stride;
        if (vectors == 2) {
            _mm512_storeu_ps(row, accumulate ? _mm512_add_ps(_mm512_loadu_ps(row), sum[i][0]) : sum[i][0]);
            row += 16;
        }
        const __m512 rest = sum[i][vectors - 1];
        _mm512_mask_storeu_ps(
            row, last, accumulate ? _mm512_add_ps(_mm512_maskz_loadu_ps(last, row), rest) : rest);
    }
}

#define MW_GEMM_TILE(rows, vectors)                                                                                   \
    static void multiply_tile_##rows##_##vectors(                                                                      \
        ptrdiff_t columns, ptrdiff_t depth, const float *a, ptrdiff_t a_row_stride, ptrdiff_t a_column_stride,         \
        const float *b, ptrdiff_t b_row_stride, float *c, ptrdiff_t c_row_stride, bool accumulate) {                   \
        multiply_tile_of(                                                                                              \
            rows, vectors, columns, depth, a, a_row_stride, a_column_stride, b, b_row_stride, c, c_row_stride,         \
            accumulate);                                                                                               \
    }
#define MW_GEMM_TILES(rows) MW_GEMM_TILE(rows, 1) MW_GEMM_TILE(rows, 2)

MW_GEMM_TILES(1)
MW_GEMM_TILES(2)
MW_GEMM_TILES(3)
MW_GEMM_TILES(4)
MW_GEMM_TILES(5)
MW_GEMM_TILES(6)
MW_GEMM_TILES(7)
MW_GEMM_TILES(8)
MW_GEMM_TILES(9)
MW_GEMM_TILES(10)
MW_GEMM_TILES(11)
MW_GEMM_TILES(12)

#define MW_GEMM_TILE_PAIR(rows) {multiply_tile_##rows##_1, multiply_tile_##rows##_2}

MW_ALWAYS_INLINE void multiply_tile(
    ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const float *b, ptrdiff_t b_row_stride, float *c, ptrdiff_t c_row_stride,
    bool accumulate) {
    static void (*const tiles[MW_GEMM_TILE_ROWS][2])(
        ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, float *, ptrdiff_t,
        bool) = {
        MW_GEMM_TILE_PAIR(1), MW_GEMM_TILE_PAIR(2),  MW_GEMM_TILE_PAIR(3),  MW_GEMM_TILE_PAIR(4),
        MW_GEMM_TILE_PAIR(5), MW_GEMM_TILE_PAIR(6),  MW_GEMM_TILE_PAIR(7),  MW_GEMM_TILE_PAIR(8),
        MW_GEMM_TILE_PAIR(9), MW_GEMM_TILE_PAIR(10), MW_GEMM_TILE_PAIR(11), MW_GEMM_TILE_PAIR(12),
    };
    tiles[rows - 1][columns > 16](
        columns, depth, a, a_row_stride, a_column_stride, b, b_row_stride, c, c_row_stride, accumulate);
}

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

static void pack_transposed(
    float *out, ptrdiff_t out_stride, ptrdiff_t rows, ptrdiff_t depth, const float *source,
    ptrdiff_t source_row_stride) {
    for (ptrdiff_t row = 0; row < rows; row += 16) {
        const int count = rows - row < 16 ? (int)(rows - row) : 16;
        const __mmask16 out_mask = (__mmask16)(0xffffu >> (16 - count));
        for (ptrdiff_t p = 0; p < depth; p += 16) {
            const int length = depth - p < 16 ? (int)(depth - p) : 16;
            const __mmask16 mask = (__mmask16)(0xffffu >> (16 - length));
            __m512 block[16];
            for (int i = 0; i < 16; i++) {
                block[i] = i < count ? _mm512_maskz_loadu_ps(mask, source + (row + i) * source_row_stride + p)
                                     : _mm512_setzero_ps();
            }
            transpose_16x16(block);
            for (int i = 0; i < 16; i++) {
                if (i < length) {
                    _mm512_mask_storeu_ps(out + (p + i) * out_stride + row, out_mask, block[i]);
                }
            }
        }
    }
}
