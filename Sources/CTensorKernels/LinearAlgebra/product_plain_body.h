// One band of rows of a product in one type: MW_NAME(a, b, c, …) for elements of MW_ELEMENT, summed as MW_SUM, in which
// arithmetic wraps around without being undefined. Columns of b are packed 64 at a time for 256 of k, so that a row
// of c and the packed block stay in the first two caches.

static void MW_NAME(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const MW_ELEMENT *a, ptrdiff_t a_row_stride, ptrdiff_t a_column_stride,
    const MW_ELEMENT *b, ptrdiff_t b_row_stride, ptrdiff_t b_column_stride, MW_ELEMENT *c, ptrdiff_t c_row_stride,
    bool accumulate) {
    enum { width = 64, depth = 256, rows = 4 };
    MW_SUM packed[width * depth];
    for (ptrdiff_t column = 0; column < n; column += width) {
        const ptrdiff_t columns = n - column < width ? n - column : width;
        for (ptrdiff_t p = 0; p < k || p == 0; p += depth) {
            const ptrdiff_t terms = k - p < depth ? k - p : depth;
            for (ptrdiff_t q = 0; q < terms; q++) {
                const MW_ELEMENT *source = b + (p + q) * b_row_stride + column * b_column_stride;
                for (ptrdiff_t j = 0; j < columns; j++) {
                    packed[q * width + j] = (MW_SUM)source[j * b_column_stride];
                }
                for (ptrdiff_t j = columns; j < width; j++) {
                    packed[q * width + j] = 0;
                }
            }
            const bool adds = accumulate || p > 0;
            for (ptrdiff_t row = 0; row < m; row += rows) {
                const ptrdiff_t height = m - row < rows ? m - row : rows;
                MW_SUM sums[rows][width];
                for (ptrdiff_t i = 0; i < rows; i++) {
                    const MW_ELEMENT *start = c + (row + i) * c_row_stride + column;
                    for (ptrdiff_t j = 0; j < width; j++) {
                        sums[i][j] = adds && i < height && j < columns ? (MW_SUM)start[j] : 0;
                    }
                }
                for (ptrdiff_t q = 0; q < terms; q++) {
                    const MW_SUM *restrict line = packed + q * width;
                    for (ptrdiff_t i = 0; i < height; i++) {
                        const MW_SUM factor = (MW_SUM)a[(row + i) * a_row_stride + (p + q) * a_column_stride];
                        MW_SUM *restrict sum = sums[i];
                        for (ptrdiff_t j = 0; j < width; j++) {
                            sum[j] += factor * line[j];
                        }
                    }
                }
                for (ptrdiff_t i = 0; i < height; i++) {
                    MW_ELEMENT *target = c + (row + i) * c_row_stride + column;
                    for (ptrdiff_t j = 0; j < columns; j++) {
                        target[j] = (MW_ELEMENT)sums[i][j];
                    }
                }
            }
        }
    }
}

#undef MW_NAME
#undef MW_ELEMENT
#undef MW_SUM
