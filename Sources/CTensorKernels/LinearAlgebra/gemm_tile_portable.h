// A tile of up to 4 × 8 of a matrix product in plain C: what machines without AVX2 run, and what the other paths are
// tested against. The file that includes it defines multiply_add(sum, pointer to a's step, b's step).

#define MW_GEMM_TILE_ROWS 4
#define MW_GEMM_TILE_COLUMNS 8
#define MW_GEMM_FEW 4

/// What `gemm_dots.h` takes for vectors.
#define MW_GEMM_LANES 8
typedef struct right_vector {
    packed_right lane[MW_GEMM_LANES];
} right_vector;
typedef struct sum_vector {
    sum_element lane[MW_GEMM_LANES];
} sum_vector;

MW_ALWAYS_INLINE void transpose_steps(right_vector *rows) {
    for (int i = 0; i < MW_GEMM_LANES; i++) {
        for (int j = 0; j < i; j++) {
            const packed_right step = rows[i].lane[j];
            rows[i].lane[j] = rows[j].lane[i];
            rows[j].lane[i] = step;
        }
    }
}

MW_ALWAYS_INLINE sum_vector add_left_step(sum_vector sum, const packed_left *few, right_vector vector) {
    for (int i = 0; i < MW_GEMM_LANES; i++) {
        sum.lane[i] = multiply_add(sum.lane[i], few, vector.lane[i]);
    }
    return sum;
}
#define add_right_step add_left_step

static void multiply_tile(
    ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const packed_left *a, ptrdiff_t a_row_stride,
    const packed_right *b, ptrdiff_t b_row_stride, sum_element *c, ptrdiff_t c_row_stride,
    bool accumulate) {
    sum_element sum[MW_GEMM_TILE_ROWS][MW_GEMM_TILE_COLUMNS] = {{0}};
    if (rows == MW_GEMM_TILE_ROWS && columns == MW_GEMM_TILE_COLUMNS) {
        // Bounds that the compiler knows keep the sums in registers.
        for (ptrdiff_t p = 0; p < depth; p++) {
            for (int i = 0; i < MW_GEMM_TILE_ROWS; i++) {
                const packed_left *x = a + i * a_row_stride + p;
                for (int j = 0; j < MW_GEMM_TILE_COLUMNS; j++) {
                    sum[i][j] = multiply_add(sum[i][j], x, b[p * b_row_stride + j]);
                }
            }
        }
    } else {
        for (ptrdiff_t p = 0; p < depth; p++) {
            for (ptrdiff_t i = 0; i < rows; i++) {
                const packed_left *x = a + i * a_row_stride + p;
                for (ptrdiff_t j = 0; j < columns; j++) {
                    sum[i][j] = multiply_add(sum[i][j], x, b[p * b_row_stride + j]);
                }
            }
        }
    }
    for (ptrdiff_t i = 0; i < rows; i++) {
        for (ptrdiff_t j = 0; j < columns; j++) {
            sum_element *element = c + i * c_row_stride + j;
            *element = accumulate ? add_sums(*element, sum[i][j]) : sum[i][j];
        }
    }
}
