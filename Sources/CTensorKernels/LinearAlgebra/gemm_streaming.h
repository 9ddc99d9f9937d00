// Products of a few rows, which take as long as b takes to read: b is read row after row as it lies, and added to sums
// in the first-level cache. Products of a few columns are taken for those of the transposes where a lies so. The order of the additions, and so every bit, is that of tiles.
//
// `gemm_streaming_elements.h` or `gemm_streaming_words.h` defines
//
//   add_rows(rows, sums, columns, a, a_row_stride, a_column_stride, b, b_row_stride, count)
//       adds rows 0..<count of b, each times its element of a, to `rows` rows of sums, which are at most four
//   MW_GEMM_STREAMED_WIDTH(columns), MW_GEMM_STREAMED_PLACE(column)
//       how long a row of sums is, and where in it the sum of a column stands

/// Rows that are computed at once.
#define MW_GEMM_STREAMED_BAND (MW_GEMM_TILE_ROWS / 3)
/// More rows than this are faster in tiles: where those have to pack b first, reading it twice is still faster.
#define MW_GEMM_STREAMED_ROWS ((MW_GEMM_READS_IN_PLACE ? 1 : 2) * MW_GEMM_STREAMED_BAND)
/// Sums that are kept in the cache.
#define MW_GEMM_STREAMED_SUMS 4096
/// Columns at a time are a multiple of this, so that whole vectors of every path and type are.
#define MW_GEMM_STREAMED_UNIT 64

/// Integers wrap around, which signed ones do not in C.
#define MW_GEMM_ADD(x, y)                                                                                              \
    _Generic((x), int32_t: (int32_t)((uint32_t)(x) + (uint32_t)(y)), default: (x) + (y))

/// Stores a row of sums, or adds it to what is there.
MW_ALWAYS_INLINE void store_streamed_sums(
    sum_element *c, ptrdiff_t c_column_stride, const sum_element *sums, ptrdiff_t columns, bool accumulate) {
    if (accumulate) {
        MW_VECTOR_LOOP
        for (ptrdiff_t j = 0; j < columns; j++) {
            sum_element *element = c + j * c_column_stride;
            *element = MW_GEMM_ADD(*element, sums[MW_GEMM_STREAMED_PLACE(j)]);
        }
    } else {
        MW_VECTOR_LOOP
        for (ptrdiff_t j = 0; j < columns; j++) {
            c[j * c_column_stride] = sums[MW_GEMM_STREAMED_PLACE(j)];
        }
    }
}

/// A block of c, of at most MW_GEMM_STREAMED_BAND rows and MW_GEMM_BLOCK elements of k, whose b has contiguous rows.
static void multiply_streamed_band(const mw_gemm_product *block, ptrdiff_t c_column_stride) {
    _Alignas(64) sum_element sums[MW_GEMM_STREAMED_SUMS];
    const ptrdiff_t columns = block->n, width = MW_GEMM_STREAMED_WIDTH(columns);
    memset(sums, 0, (size_t)(block->m * width) * sizeof *sums);
#define MW_GEMM_ADD_ROWS(rows)                                                                                         \
    add_rows(                                                                                                          \
        rows, sums, columns, block->a, block->a_row_stride, block->a_column_stride, block->b, block->b_row_stride,     \
        block->k)
    switch (block->m) {
    case 1: MW_GEMM_ADD_ROWS(1); break;
    case 2: MW_GEMM_ADD_ROWS(2); break;
    case 3: MW_GEMM_ADD_ROWS(3); break;
    default: MW_GEMM_ADD_ROWS(4); break;
    }
    for (ptrdiff_t i = 0; i < block->m; i++) {
        sum_element *c = (sum_element *)block->c + i * block->c_row_stride;
        const sum_element *row = sums + i * width;
        if (c_column_stride == 1) {
            store_streamed_sums(c, 1, row, columns, block->accumulate);
        } else {
            store_streamed_sums(c, c_column_stride, row, columns, block->accumulate);
        }
    }
}

/// A product of a few rows, whose b has contiguous rows. Columns of c are c_column_stride apart.
static void multiply_streaming(const mw_gemm_product *product, ptrdiff_t c_column_stride) {
    const ptrdiff_t m = product->m, n = product->n, k = product->k;
    const ptrdiff_t band_rows = m < MW_GEMM_STREAMED_BAND ? m : MW_GEMM_STREAMED_BAND;
    const ptrdiff_t block_columns = MW_GEMM_STREAMED_SUMS / band_rows / MW_GEMM_STREAMED_UNIT * MW_GEMM_STREAMED_UNIT;
    for (ptrdiff_t column = 0; column < n; column += block_columns) {
        for (ptrdiff_t p = 0; p < k; p += MW_GEMM_BLOCK) {
            for (ptrdiff_t row = 0; row < m; row += band_rows) {
                mw_gemm_product block = *product;
                block.m = m - row < band_rows ? m - row : band_rows;
                block.n = n - column < block_columns ? n - column : block_columns;
                block.k = k - p < MW_GEMM_BLOCK ? k - p : MW_GEMM_BLOCK;
                block.a = (const left_element *)product->a + row * product->a_row_stride + p * product->a_column_stride;
                block.b = (const right_element *)product->b + p * product->b_row_stride + column;
                block.c = (sum_element *)product->c + row * product->c_row_stride + column * c_column_stride;
                block.accumulate = product->accumulate || p > 0;
                multiply_streamed_band(&block, c_column_stride);
            }
        }
    }
}

/// Where a and b have one type of elements, a product of a few columns whose a has contiguous columns is that of the
/// transposes.
static void multiply_transposes_streaming(const mw_gemm_product *product) {
    const mw_gemm_product transposed = {
        .m = product->n,
        .n = product->m,
        .k = product->k,
        .a = product->b,
        .a_row_stride = product->b_column_stride,
        .a_column_stride = product->b_row_stride,
        .b = product->a,
        .b_row_stride = product->a_column_stride,
        .b_column_stride = 1,
        .c = product->c,
        .c_row_stride = 1,
        .accumulate = product->accumulate,
    };
    multiply_streaming(&transposed, product->c_row_stride);
}
