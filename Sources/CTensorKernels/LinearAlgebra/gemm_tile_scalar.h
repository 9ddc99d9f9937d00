// A tile of up to 4 × 8 of a matrix product in plain C: what machines without AVX2 run, and what the other paths are
// tested against. Fused multiply-adds where the target has them; elsewhere imitating them would be far too slow.

#define MW_GEMM_TILE_ROWS 4
#define MW_GEMM_TILE_COLUMNS 8

MW_ALWAYS_INLINE float multiply_add(float x, float y, float z) {
#if defined(__FMA__) || defined(__aarch64__)
    return MW_FMA(x, y, z);
#else
    return x * y + z;
#endif
}

static void multiply_tile(
    ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const float *b, ptrdiff_t b_row_stride, float *c, ptrdiff_t c_row_stride,
    bool accumulate) {
    float sum[MW_GEMM_TILE_ROWS][MW_GEMM_TILE_COLUMNS] = {{0}};
    if (rows == MW_GEMM_TILE_ROWS && columns == MW_GEMM_TILE_COLUMNS) {
        // Bounds that the compiler knows keep the sums in registers.
        for (ptrdiff_t p = 0; p < depth; p++) {
            for (int i = 0; i < MW_GEMM_TILE_ROWS; i++) {
                const float x = a[i * a_row_stride + p * a_column_stride];
                for (int j = 0; j < MW_GEMM_TILE_COLUMNS; j++) {
                    sum[i][j] = multiply_add(x, b[p * b_row_stride + j], sum[i][j]);
                }
            }
        }
    } else {
        for (ptrdiff_t p = 0; p < depth; p++) {
            for (ptrdiff_t i = 0; i < rows; i++) {
                const float x = a[i * a_row_stride + p * a_column_stride];
                for (ptrdiff_t j = 0; j < columns; j++) {
                    sum[i][j] = multiply_add(x, b[p * b_row_stride + j], sum[i][j]);
                }
            }
        }
    }
    for (ptrdiff_t i = 0; i < rows; i++) {
        for (ptrdiff_t j = 0; j < columns; j++) {
            float *element = c + i * c_row_stride + j;
            *element = accumulate ? *element + sum[i][j] : sum[i][j];
        }
    }
}

static void pack_transposed(
    float *out, ptrdiff_t out_stride, ptrdiff_t rows, ptrdiff_t depth, const float *source,
    ptrdiff_t source_row_stride) {
    for (ptrdiff_t p = 0; p < depth; p++) {
        for (ptrdiff_t row = 0; row < rows; row++) {
            out[p * out_stride + row] = source[row * source_row_stride + p];
        }
    }
}
