// Products of integer matrices, whose sums wrap around: rows of b are widened into a block that stays in the cache, and
// added to rows of sums. Signed and unsigned elements of one width have the same sums, so there is a kernel a width.

#define MW_GEMM_INTEGER_DEPTH 64
#define MW_GEMM_INTEGER_COLUMNS 256

/// Defines multiply_<element>: `sum` is the unsigned type that sums are kept in.
#define MW_GEMM_INTEGER(element, sum)                                                                                  \
    static void multiply_##element(const mw_gemm_product *product) {                                                   \
        _Alignas(64) sum block[MW_GEMM_INTEGER_DEPTH * MW_GEMM_INTEGER_COLUMNS];                                       \
        sum sums[MW_GEMM_INTEGER_COLUMNS];                                                                             \
        const ptrdiff_t m = product->m, n = product->n, k = product->k;                                                \
        for (ptrdiff_t column = 0; column < n; column += MW_GEMM_INTEGER_COLUMNS) {                                    \
            const ptrdiff_t columns =                                                                                  \
                n - column < MW_GEMM_INTEGER_COLUMNS ? n - column : MW_GEMM_INTEGER_COLUMNS;                           \
            for (ptrdiff_t first = 0; first < k; first += MW_GEMM_INTEGER_DEPTH) {                                     \
                const ptrdiff_t depth = k - first < MW_GEMM_INTEGER_DEPTH ? k - first : MW_GEMM_INTEGER_DEPTH;         \
                for (ptrdiff_t p = 0; p < depth; p++) {                                                                \
                    const element *row = (const element *)product->b + (first + p) * product->b_row_stride +           \
                                         column * product->b_column_stride;                                            \
                    for (ptrdiff_t j = 0; j < columns; j++) {                                                          \
                        block[p * MW_GEMM_INTEGER_COLUMNS + j] = row[j * product->b_column_stride];                    \
                    }                                                                                                  \
                }                                                                                                      \
                for (ptrdiff_t i = 0; i < m; i++) {                                                                    \
                    const element *a = (const element *)product->a + i * product->a_row_stride +                       \
                                       first * product->a_column_stride;                                               \
                    element *c = (element *)product->c + i * product->c_row_stride + column;                           \
                    const bool accumulate = product->accumulate || first > 0;                                          \
                    for (ptrdiff_t j = 0; j < columns; j++) {                                                          \
                        sums[j] = accumulate ? c[j] : 0;                                                               \
                    }                                                                                                  \
                    ptrdiff_t p = 0;                                                                                   \
                    for (; p + 4 <= depth; p += 4) {                                                                   \
                        const sum x0 = a[p * product->a_column_stride];                                                \
                        const sum x1 = a[(p + 1) * product->a_column_stride];                                          \
                        const sum x2 = a[(p + 2) * product->a_column_stride];                                          \
                        const sum x3 = a[(p + 3) * product->a_column_stride];                                          \
                        const sum *row = block + p * MW_GEMM_INTEGER_COLUMNS;                                          \
                        for (ptrdiff_t j = 0; j < columns; j++) {                                                      \
                            sums[j] += x0 * row[j] + x1 * row[j + MW_GEMM_INTEGER_COLUMNS] +                           \
                                       x2 * row[j + 2 * MW_GEMM_INTEGER_COLUMNS] +                                     \
                                       x3 * row[j + 3 * MW_GEMM_INTEGER_COLUMNS];                                      \
                        }                                                                                              \
                    }                                                                                                  \
                    for (; p < depth; p++) {                                                                           \
                        const sum x = a[p * product->a_column_stride];                                                 \
                        const sum *row = block + p * MW_GEMM_INTEGER_COLUMNS;                                          \
                        for (ptrdiff_t j = 0; j < columns; j++) {                                                      \
                            sums[j] += x * row[j];                                                                     \
                        }                                                                                              \
                    }                                                                                                  \
                    for (ptrdiff_t j = 0; j < columns; j++) {                                                          \
                        c[j] = (element)sums[j];                                                                       \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

MW_GEMM_INTEGER(uint8_t, uint32_t)
MW_GEMM_INTEGER(uint16_t, uint32_t)
MW_GEMM_INTEGER(uint32_t, uint32_t)
MW_GEMM_INTEGER(uint64_t, uint64_t)

void MW_KERNEL(gemm_integer)(
    mw_dtype dtype, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const void *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const void *b, ptrdiff_t b_row_stride, ptrdiff_t b_column_stride, void *c,
    ptrdiff_t c_row_stride, bool accumulate, ptrdiff_t thread_budget) {
    const ptrdiff_t size = mw_dtype_size(dtype);
    const mw_gemm_kind kind = {
        .left_size = size,
        .right_size = size,
        .sum_size = size,
        .tile_rows = 1,
        .tile_columns = MW_GEMM_INTEGER_COLUMNS / 4,
        .multiply = size == 1   ? multiply_uint8_t
                    : size == 2 ? multiply_uint16_t
                    : size == 4 ? multiply_uint32_t
                                : multiply_uint64_t,
    };
    const mw_gemm_product product = {
        .m = m,
        .n = n,
        .k = k,
        .a = a,
        .a_row_stride = a_row_stride,
        .a_column_stride = a_column_stride,
        .b = b,
        .b_row_stride = b_row_stride,
        .b_column_stride = b_column_stride,
        .c = c,
        .c_row_stride = c_row_stride,
        .accumulate = accumulate,
    };
    mw_gemm_share(&product, &kind, thread_budget);
}
