// The rows of `gemm_streaming.h` for elements that an instruction multiplies by twos or fours: the words that steps are
// made of are put together in registers. The file that includes it defines
//
//   MW_GEMM_GROUP_VECTORS, MW_GEMM_GROUP_RUN
//       how many vectors of words come from one group of columns, and how many neighbours stay together where the
//       instructions that interleave rows work on 128 bits at a time: the runs of a group go to its vectors in turn
//   interleave(words, b, row_stride, rows, columns)
//       the words of one step of a group, from the first `columns` columns of `rows` rows of b, which are at most
//       MW_GEMM_STEP; zeros stand for the others, which are not read

/// Columns of b that are interleaved at once.
#define MW_GEMM_GROUP (MW_GEMM_GROUP_VECTORS * MW_GEMM_LANES)
/// Steps that are added to a sum while it is in a register: eight rows of b.
#define MW_GEMM_STREAMED_STEPS (8 / MW_GEMM_STEP)

/// Adds `steps` steps of b, the last of `last_rows` rows, to the sums of one group; a row of sums is `width` long.
MW_ALWAYS_INLINE void add_steps_to_group(
    const int rows, const int steps, const int last_rows, sum_element *sums, ptrdiff_t width, const packed_left *a,
    const right_element *b, ptrdiff_t b_row_stride, ptrdiff_t columns) {
    sum_vector sum[4][MW_GEMM_GROUP_VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        memcpy(sum[i], sums + i * width, sizeof sum[i]);
    }
#pragma clang loop unroll(full)
    for (int step = 0; step < steps; step++) {
        right_vector words[MW_GEMM_GROUP_VECTORS];
        interleave(
            words, b + step * MW_GEMM_STEP * b_row_stride, b_row_stride, step == steps - 1 ? last_rows : MW_GEMM_STEP,
            columns);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
            for (int v = 0; v < MW_GEMM_GROUP_VECTORS; v++) {
                sum[i][v] = multiply_add(sum[i][v], a + i * MW_GEMM_DEPTH + step, words[v]);
            }
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        memcpy(sums + i * width, sum[i], sizeof sum[i]);
    }
}

/// As `add_steps_to_group`, for all groups of `columns` columns.
MW_ALWAYS_INLINE void add_steps(
    const int rows, const int steps, const int last_rows, sum_element *sums, ptrdiff_t columns, ptrdiff_t width,
    const packed_left *a, const right_element *b, ptrdiff_t b_row_stride) {
    ptrdiff_t column = 0;
    for (; column + MW_GEMM_GROUP <= columns; column += MW_GEMM_GROUP) {
        add_steps_to_group(
            rows, steps, last_rows, sums + column, width, a, b + column, b_row_stride, MW_GEMM_GROUP);
    }
    if (column < columns) {
        add_steps_to_group(
            rows, steps, last_rows, sums + column, width, a, b + column, b_row_stride, columns - column);
    }
}

#define MW_GEMM_STREAMED_WIDTH(columns) (((columns) + MW_GEMM_GROUP - 1) / MW_GEMM_GROUP * MW_GEMM_GROUP)
#define MW_GEMM_STREAMED_PLACE(column) streamed_place(column)

MW_ALWAYS_INLINE ptrdiff_t streamed_place(ptrdiff_t column) {
    const ptrdiff_t run = column % MW_GEMM_GROUP / MW_GEMM_GROUP_RUN;
    return column / MW_GEMM_GROUP * MW_GEMM_GROUP + run % MW_GEMM_GROUP_VECTORS * MW_GEMM_LANES +
           run / MW_GEMM_GROUP_VECTORS * MW_GEMM_GROUP_RUN + column % MW_GEMM_GROUP_RUN;
}

/// Adds rows 0..<count of b, each times its element of a, to `rows` rows of sums.
MW_ALWAYS_INLINE void add_rows(
    const int rows, sum_element *sums, ptrdiff_t columns, const left_element *a, ptrdiff_t a_row_stride,
    ptrdiff_t a_column_stride, const right_element *b, ptrdiff_t b_row_stride, ptrdiff_t count) {
    packed_left words[4 * MW_GEMM_DEPTH];
    for (int i = 0; i < rows; i++) {
        pack_left(words + i * MW_GEMM_DEPTH, a + i * a_row_stride, a_column_stride, count);
    }
    const ptrdiff_t width = MW_GEMM_STREAMED_WIDTH(columns);
    const packed_left *step = words;
    ptrdiff_t rest = count / MW_GEMM_STEP;
    for (; rest >= MW_GEMM_STREAMED_STEPS; rest -= MW_GEMM_STREAMED_STEPS) {
        add_steps(rows, MW_GEMM_STREAMED_STEPS, MW_GEMM_STEP, sums, columns, width, step, b, b_row_stride);
        step += MW_GEMM_STREAMED_STEPS;
        b += MW_GEMM_STREAMED_STEPS * MW_GEMM_STEP * b_row_stride;
    }
    for (; rest > 0; rest--) {
        add_steps(rows, 1, MW_GEMM_STEP, sums, columns, width, step, b, b_row_stride);
        step++;
        b += MW_GEMM_STEP * b_row_stride;
    }
    if (count % MW_GEMM_STEP != 0) {
        add_steps(rows, 1, (int)(count % MW_GEMM_STEP), sums, columns, width, step, b, b_row_stride);
    }
}
