// Products of a few rows, which take as long as b takes to read: b is read row after row, four at a time, and added to
// sums in the first-level cache. The order of the additions, and so every bit, is that of tiles.

/// More rows than this are faster in tiles.
#define MW_GEMM_STREAMED_ROWS (MW_GEMM_TILE_ROWS / 3)
/// Sums that are kept in the cache.
#define MW_GEMM_STREAMED_SUMS 4096

/// Adds rows 0..<count of b, each times its element of a, to `rows` rows of sums, `columns` apart.
MW_ALWAYS_INLINE void add_rows(
    const int rows, sum_element *restrict sums, ptrdiff_t columns, const left_element *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const right_element *restrict b, ptrdiff_t b_row_stride, ptrdiff_t count) {
    ptrdiff_t p = 0;
    for (; p + 4 <= count; p += 4) {
        left_element x[4][4];
        for (int i = 0; i < rows; i++) {
            for (int q = 0; q < 4; q++) {
                x[i][q] = a[i * a_row_stride + (p + q) * a_column_stride];
            }
        }
        const right_element *restrict b0 = b + p * b_row_stride;
        const right_element *restrict b1 = b0 + b_row_stride;
        const right_element *restrict b2 = b1 + b_row_stride;
        const right_element *restrict b3 = b2 + b_row_stride;
        MW_VECTOR_LOOP
        for (ptrdiff_t j = 0; j < columns; j++) {
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                sum_element sum = sums[i * columns + j];
                sum = multiply_add_one(x[i][0], b0[j], sum);
                sum = multiply_add_one(x[i][1], b1[j], sum);
                sum = multiply_add_one(x[i][2], b2[j], sum);
                sums[i * columns + j] = multiply_add_one(x[i][3], b3[j], sum);
            }
        }
    }
    for (; p < count; p++) {
        const right_element *restrict row = b + p * b_row_stride;
        for (int i = 0; i < rows; i++) {
            const left_element x = a[i * a_row_stride + p * a_column_stride];
            MW_VECTOR_LOOP
            for (ptrdiff_t j = 0; j < columns; j++) {
                sums[i * columns + j] = multiply_add_one(x, row[j], sums[i * columns + j]);
            }
        }
    }
}

/// A product of at most MW_GEMM_STREAMED_ROWS rows, whose b has contiguous rows.
static void multiply_streaming(const mw_gemm_product *product) {
    _Alignas(64) sum_element sums[MW_GEMM_STREAMED_SUMS];
    const ptrdiff_t m = product->m, n = product->n, k = product->k;
    const ptrdiff_t block_columns = MW_GEMM_STREAMED_SUMS / m;
    for (ptrdiff_t column = 0; column < n; column += block_columns) {
        const ptrdiff_t columns = n - column < block_columns ? n - column : block_columns;
        for (ptrdiff_t p = 0; p < k; p += MW_GEMM_DEPTH) {
            const ptrdiff_t count = k - p < MW_GEMM_DEPTH ? k - p : MW_GEMM_DEPTH;
            const left_element *a = (const left_element *)product->a + p * product->a_column_stride;
            const right_element *b = (const right_element *)product->b + p * product->b_row_stride + column;
            memset(sums, 0, (size_t)(m * columns) * sizeof *sums);
#define MW_GEMM_ADD_ROWS(rows)                                                                                         \
    add_rows(                                                                                                          \
        rows, sums, columns, a, product->a_row_stride, product->a_column_stride, b, product->b_row_stride, count)
            switch (m) {
            case 1: MW_GEMM_ADD_ROWS(1); break;
            case 2: MW_GEMM_ADD_ROWS(2); break;
            case 3: MW_GEMM_ADD_ROWS(3); break;
            default: MW_GEMM_ADD_ROWS(4); break;
            }
            for (ptrdiff_t i = 0; i < m; i++) {
                sum_element *c = (sum_element *)product->c + i * product->c_row_stride + column;
                const bool accumulate = product->accumulate || p > 0;
                for (ptrdiff_t j = 0; j < columns; j++) {
                    c[j] = accumulate ? c[j] + sums[i * columns + j] : sums[i * columns + j];
                }
            }
        }
    }
}
