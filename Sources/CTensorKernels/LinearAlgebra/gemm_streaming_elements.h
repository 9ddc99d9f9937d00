// The rows of `gemm_streaming.h` for elements that are multiplied one by one, as they are or widened: four rows of b at
// a time. The file that includes it defines widen_left(element), widen_right(element) and multiply_add_one(x, y, sum).

#define MW_GEMM_STREAMED_WIDTH(columns) (columns)
#define MW_GEMM_STREAMED_PLACE(column) (column)

/// A vector of each of the four rows, and then the next one: the processor fetches ahead of reads in this order better than
/// where those of several vectors change places.
#define MW_GEMM_ONE_VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety) interleave_count(1) unroll(disable)")

/// Adds rows 0..<count of b, each times its element of a, to `rows` rows of sums, `columns` apart.
MW_ALWAYS_INLINE void add_rows(
    const int rows, sum_element *restrict sums, ptrdiff_t columns, const left_element *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const right_element *restrict b, ptrdiff_t b_row_stride, ptrdiff_t count) {
    ptrdiff_t p = 0;
    for (; p + 4 <= count; p += 4) {
        sum_element x[4][4];
        for (int i = 0; i < rows; i++) {
            for (int q = 0; q < 4; q++) {
                x[i][q] = widen_left(a[i * a_row_stride + (p + q) * a_column_stride]);
            }
        }
        const right_element *restrict b0 = b + p * b_row_stride;
        const right_element *restrict b1 = b0 + b_row_stride;
        const right_element *restrict b2 = b1 + b_row_stride;
        const right_element *restrict b3 = b2 + b_row_stride;
        MW_GEMM_ONE_VECTOR_LOOP
        for (ptrdiff_t j = 0; j < columns; j++) {
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                sum_element sum = sums[i * columns + j];
                sum = multiply_add_one(x[i][0], widen_right(b0[j]), sum);
                sum = multiply_add_one(x[i][1], widen_right(b1[j]), sum);
                sum = multiply_add_one(x[i][2], widen_right(b2[j]), sum);
                sums[i * columns + j] = multiply_add_one(x[i][3], widen_right(b3[j]), sum);
            }
        }
    }
    for (; p < count; p++) {
        const right_element *restrict row = b + p * b_row_stride;
        for (int i = 0; i < rows; i++) {
            const sum_element x = widen_left(a[i * a_row_stride + p * a_column_stride]);
            MW_VECTOR_LOOP
            for (ptrdiff_t j = 0; j < columns; j++) {
                sums[i * columns + j] = multiply_add_one(x, widen_right(row[j]), sums[i * columns + j]);
            }
        }
    }
}
