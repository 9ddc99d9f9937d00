// A tile of up to 12 × 2 vectors of a matrix product in 24 of the 32 AVX-512 registers, for what `gemm_lanes_avx512.h`
// names.

#define MW_GEMM_TILE_ROWS 12
#define MW_GEMM_TILE_COLUMNS (2 * MW_GEMM_LANES)
#define MW_GEMM_FEW 8

/// `rows`, `vectors` and `is_whole` are constants where this is inlined, so that the sums stay in registers. Of a whole tile
/// no lane is masked, which costs more than it looks.
MW_ALWAYS_INLINE void multiply_tile_of(
    const int rows, const int vectors, const bool is_whole, ptrdiff_t columns, ptrdiff_t depth, const packed_left *a,
    ptrdiff_t a_row_stride, const packed_right *b, ptrdiff_t b_row_stride, sum_element *c, ptrdiff_t c_row_stride,
    bool accumulate) {
    // Lanes of the last vector that exist; the others are neither read nor written.
    const lanes all = MW_GEMM_ALL_LANES;
    const lanes last = is_whole ? all : (lanes)(all >> (vectors * MW_GEMM_LANES - columns));
    sum_vector sum[MW_GEMM_TILE_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        sum[i][0] = (sum_vector){0};
        sum[i][1] = (sum_vector){0};
    }
    if (depth >= MW_GEMM_DEPTH / 2) {
        // c is seldom in the first-level cache where k is long, and would be waited for at the end.
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            __builtin_prefetch(c + i * c_row_stride, 1, 3);
            if (vectors == 2) {
                __builtin_prefetch(c + i * c_row_stride + MW_GEMM_LANES, 1, 3);
            }
        }
    }
    // A row is reached from the third one before it or nearer: base + {0, 1, 2} · stride are addressing modes.
    const packed_left *a0 = a;
    const packed_left *a3 = rows > 3 ? a + 3 * a_row_stride : a;
    const packed_left *a6 = rows > 6 ? a + 6 * a_row_stride : a;
    const packed_left *a9 = rows > 9 ? a + 9 * a_row_stride : a;
    for (ptrdiff_t p = 0; p < depth; p++) {
        // Without this the compiler walks from row to row by one chain of additions, longer than the arithmetic.
        __asm__("" : "+r"(a0), "+r"(a3), "+r"(a6), "+r"(a9));
        const right_vector b0 = load_right(b, vectors == 1 ? last : all);
        const right_vector b1 = vectors == 1 ? b0 : load_right(b + MW_GEMM_LANES, last);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const packed_left *base = i < 3 ? a0 : i < 6 ? a3 : i < 9 ? a6 : a9;
            const packed_left *x = base + (i % 3) * a_row_stride;
            sum[i][0] = multiply_add(sum[i][0], x, b0);
            if (vectors == 2) {
                sum[i][1] = multiply_add(sum[i][1], x, b1);
            }
        }
        a0++;
        a3++;
        a6++;
        a9++;
        b += b_row_stride;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        sum_element *row = c + i * c_row_stride;
        if (vectors == 2) {
            store_sum(row, all, accumulate ? add_sums(load_sum(row, all), sum[i][0]) : sum[i][0]);
            row += MW_GEMM_LANES;
        }
        const sum_vector rest = sum[i][vectors - 1];
        store_sum(row, last, accumulate ? add_sums(load_sum(row, last), rest) : rest);
    }
}

#define MW_GEMM_TILE(rows, vectors, is_whole, shape)                                                                   \
    static void multiply_tile_##rows##_##shape(                                                                        \
        ptrdiff_t columns, ptrdiff_t depth, const packed_left *a, ptrdiff_t a_row_stride,                              \
        const packed_right *b, ptrdiff_t b_row_stride, sum_element *c, ptrdiff_t c_row_stride, bool accumulate) {      \
        multiply_tile_of(                                                                                              \
            rows, vectors, is_whole, columns, depth, a, a_row_stride, b, b_row_stride, c, c_row_stride, accumulate);   \
    }
#define MW_GEMM_TILES(rows)                                                                                            \
    MW_GEMM_TILE(rows, 1, false, narrow) MW_GEMM_TILE(rows, 2, false, wide) MW_GEMM_TILE(rows, 2, true, whole)

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

#define MW_GEMM_TILE_TRIPLE(rows)                                                                                      \
    {multiply_tile_##rows##_narrow, multiply_tile_##rows##_wide, multiply_tile_##rows##_whole}

MW_ALWAYS_INLINE void multiply_tile(
    ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const packed_left *a, ptrdiff_t a_row_stride,
    const packed_right *b, ptrdiff_t b_row_stride, sum_element *c, ptrdiff_t c_row_stride,
    bool accumulate) {
    static void (*const tiles[MW_GEMM_TILE_ROWS][3])(
        ptrdiff_t, ptrdiff_t, const packed_left *, ptrdiff_t, const packed_right *, ptrdiff_t, sum_element *,
        ptrdiff_t, bool) = {
        MW_GEMM_TILE_TRIPLE(1), MW_GEMM_TILE_TRIPLE(2),  MW_GEMM_TILE_TRIPLE(3),  MW_GEMM_TILE_TRIPLE(4),
        MW_GEMM_TILE_TRIPLE(5), MW_GEMM_TILE_TRIPLE(6),  MW_GEMM_TILE_TRIPLE(7),  MW_GEMM_TILE_TRIPLE(8),
        MW_GEMM_TILE_TRIPLE(9), MW_GEMM_TILE_TRIPLE(10), MW_GEMM_TILE_TRIPLE(11), MW_GEMM_TILE_TRIPLE(12),
    };
    const int shape = columns <= MW_GEMM_LANES ? 0 : columns < MW_GEMM_TILE_COLUMNS ? 1 : 2;
    tiles[rows - 1][shape](columns, depth, a, a_row_stride, b, b_row_stride, c, c_row_stride, accumulate);
}
