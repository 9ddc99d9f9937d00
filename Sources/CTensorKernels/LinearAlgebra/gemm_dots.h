// Products of a few rows, or of a few columns, by a matrix whose rows of k are contiguous: A · x of a row-major A, and
// x · Wᵀ as a linear layer stores W. Such a product takes as long as the matrix takes to read. As many of its rows as a
// vector has lanes are read side by side and transposed in registers, so that each lane sums its own row over k: the order
// of the additions, and so every bit, is that of tiles.
//
// The path and the element type define, beside what `gemm_driver.h` lists:
//
//   MW_GEMM_FEW, MW_GEMM_FEW_ROWS                how many columns and rows are few: more are faster in tiles
//   right_vector, sum_vector                     MW_GEMM_LANES steps, and as many sums
//   load_left_steps(source), load_right_steps(source)
//       MW_GEMM_LANES steps of a row of a, or of a column of b, whose elements are contiguous
//   transpose_steps(vectors)                     transposes a square of MW_GEMM_LANES vectors
//   add_left_step(sum, few, vector), add_right_step(sum, few, vector)
//       sum + the step at `few`, repeated · vector: the step is of a and the vector of b; or the other way round
//   pack_right_steps(out, source, stride, count)
//       as `pack_left`, of a column of b

#ifndef MW_GEMM_FEW_ROWS
#define MW_GEMM_FEW_ROWS MW_GEMM_FEW
#endif
/// Steps of the few that are packed at once, for all of them together; they stay in the first-level cache.
#define MW_GEMM_FEW_STEPS (16 * MW_GEMM_DEPTH)
/// Shorter rows are not worth the way here.
#define MW_GEMM_DOT_ELEMENTS (MW_GEMM_LANES * MW_GEMM_STEP)
/// Vectors of rows whose sums are formed side by side where there is one of the few: a sum waits for the one before it.
#ifndef MW_GEMM_DOT_GROUPS
#define MW_GEMM_DOT_GROUPS 1
#endif

/// What is few, packed, and the rows that it is multiplied by.
typedef struct few_product {
    /// Rows of `packed_stride` steps.
    const packed_left *few;
    ptrdiff_t few_count, packed_stride;
    const char *rows;
    ptrdiff_t row_bytes;
    /// Elements of k.
    ptrdiff_t count;
    /// Element (i, j) of the product is that of the few's row i and of row j.
    sum_element *c;
    ptrdiff_t c_few_stride, c_row_stride;
    bool accumulate;
} few_product;

/// A square of steps: vector q holds step q of each row.
MW_ALWAYS_INLINE void load_square(
    const bool rows_are_left, right_vector *square, const char *rows, ptrdiff_t row_bytes) {
#pragma clang loop unroll(full)
    for (ptrdiff_t i = 0; i < MW_GEMM_LANES; i++) {
        const void *row = rows + i * row_bytes;
        square[i] = rows_are_left ? load_left_steps(row) : load_right_steps(row);
    }
    transpose_steps(square);
}

/// A square of less than all rows or elements, which are nowhere read beyond; it is filled up with zeros.
static void load_square_at_edge(
    const bool rows_are_left, right_vector *square, const char *rows, ptrdiff_t row_bytes, ptrdiff_t row_count,
    ptrdiff_t elements) {
    const ptrdiff_t size = rows_are_left ? sizeof(left_element) : sizeof(right_element);
    char copy[MW_GEMM_LANES * MW_GEMM_DOT_ELEMENTS * sizeof(right_element)] = {0};
    for (ptrdiff_t i = 0; i < row_count; i++) {
        memcpy(copy + i * MW_GEMM_DOT_ELEMENTS * size, rows + i * row_bytes, (size_t)(elements * size));
    }
    load_square(rows_are_left, square, copy, MW_GEMM_DOT_ELEMENTS * size);
}

/// Adds the product of a step of each of the few and a vector.
MW_ALWAYS_INLINE void add_step(
    const bool rows_are_left, const int few, sum_vector *sums, const packed_left *step, ptrdiff_t packed_stride,
    right_vector vector) {
#pragma clang loop unroll(full)
    for (int i = 0; i < few; i++) {
        const packed_left *x = step + i * packed_stride;
        sums[i] = rows_are_left ? add_right_step(sums[i], x, vector) : add_left_step(sums[i], x, vector);
    }
}

/// Adds the products of a square of rows.
MW_ALWAYS_INLINE void add_square(
    const bool rows_are_left, const int few, sum_vector *sums, const packed_left *step, ptrdiff_t packed_stride,
    const char *rows, ptrdiff_t row_bytes) {
    right_vector square[MW_GEMM_LANES];
    load_square(rows_are_left, square, rows, row_bytes);
#pragma clang loop unroll(full)
    for (ptrdiff_t q = 0; q < MW_GEMM_LANES; q++) {
        add_step(rows_are_left, few, sums, step + q, packed_stride, square[q]);
    }
    // One square after the other: of two at once the compiler would keep half in memory.
    __asm__ volatile("" ::: "memory");
}

/// Stores the sums of a vector of rows from lane `lane` on, or adds them to what is there.
static void store_sums(
    sum_element *c, ptrdiff_t c_row_stride, const sum_vector *sums, ptrdiff_t lane, bool accumulate) {
    sum_element found[MW_GEMM_LANES];
    memcpy(found, sums, sizeof found);
    for (ptrdiff_t j = lane; j < MW_GEMM_LANES; j++) {
        sum_element *element = c + j * c_row_stride;
        *element = accumulate ? MW_GEMM_ADD(*element, found[j]) : found[j];
    }
}

/// `groups` vectors of rows, from row `first` on, by `few` of the few, the first of which is `first_few`. Sums are stored
/// from lane `lane` on.
MW_ALWAYS_INLINE void multiply_rows(
    const bool rows_are_left, const int few, const int groups, const few_product *product, ptrdiff_t first_few,
    ptrdiff_t first, ptrdiff_t lane) {
    const packed_left *packed = product->few + first_few * product->packed_stride;
    const ptrdiff_t packed_stride = product->packed_stride, row_bytes = product->row_bytes;
    const ptrdiff_t size = rows_are_left ? sizeof(left_element) : sizeof(right_element);
    for (ptrdiff_t start = 0; start < product->count; start += MW_GEMM_BLOCK) {
        const ptrdiff_t end = at_most(product->count, start + MW_GEMM_BLOCK);
        const packed_left *step = packed + start / MW_GEMM_STEP;
        const char *rows = product->rows + first * row_bytes + start * size;
        sum_vector sums[2][4];
        memset(sums, 0, sizeof sums);
        // Of several vectors of rows, each is read a cache line at a time.
        const ptrdiff_t squares = groups == 1 ? 1 : 64 / (MW_GEMM_DOT_ELEMENTS * size);
        ptrdiff_t p = start;
        for (; p + squares * MW_GEMM_DOT_ELEMENTS <= end; p += squares * MW_GEMM_DOT_ELEMENTS) {
#pragma clang loop unroll(full)
            for (int group = 0; group < groups; group++) {
#pragma clang loop unroll(full)
                for (ptrdiff_t i = 0; i < squares; i++) {
                    add_square(
                        rows_are_left, few, sums[group], step + i * MW_GEMM_LANES, packed_stride,
                        rows + group * MW_GEMM_LANES * row_bytes + i * MW_GEMM_DOT_ELEMENTS * size, row_bytes);
                }
            }
            step += squares * MW_GEMM_LANES;
            rows += squares * MW_GEMM_DOT_ELEMENTS * size;
        }
        for (; p + MW_GEMM_DOT_ELEMENTS <= end; p += MW_GEMM_DOT_ELEMENTS) {
#pragma clang loop unroll(full)
            for (int group = 0; group < groups; group++) {
                add_square(
                    rows_are_left, few, sums[group], step, packed_stride, rows + group * MW_GEMM_LANES * row_bytes,
                    row_bytes);
            }
            step += MW_GEMM_LANES;
            rows += MW_GEMM_DOT_ELEMENTS * size;
        }
        for (int group = 0; group < groups && p < end; group++) {
            right_vector square[MW_GEMM_LANES];
            load_square_at_edge(
                rows_are_left, square, rows + group * MW_GEMM_LANES * row_bytes, row_bytes, MW_GEMM_LANES, end - p);
            for (ptrdiff_t q = 0; q * MW_GEMM_STEP < end - p; q++) {
                add_step(rows_are_left, few, sums[group], step + q, packed_stride, square[q]);
            }
        }
        for (int group = 0; group < groups; group++) {
            sum_element *c = product->c + (first + group * MW_GEMM_LANES) * product->c_row_stride;
            for (int i = 0; i < few && first_few + i < product->few_count; i++) {
                store_sums(
                    c + (first_few + i) * product->c_few_stride, product->c_row_stride, &sums[group][i], lane,
                    product->accumulate || start > 0);
            }
        }
    }
}

/// All of the few by rows from `row` on, of which there are `count` and at least a vector's; returns the row after them.
MW_ALWAYS_INLINE ptrdiff_t multiply_few_by_rows(
    const bool rows_are_left, const few_product *product, ptrdiff_t row, ptrdiff_t count) {
    if (product->few_count == 1 && count - row >= MW_GEMM_DOT_GROUPS * MW_GEMM_LANES) {
        multiply_rows(rows_are_left, 1, MW_GEMM_DOT_GROUPS, product, 0, row, 0);
        return row + MW_GEMM_DOT_GROUPS * MW_GEMM_LANES;
    }
    // The last vector begins with rows that are done where it would end beyond the last row.
    const ptrdiff_t first = at_most(row, count - MW_GEMM_LANES), lane = row - first;
    for (ptrdiff_t i = 0; i < product->few_count; i += 4) {
        switch (product->few_count - i) {
        case 1: multiply_rows(rows_are_left, 1, 1, product, i, first, lane); break;
        case 2: multiply_rows(rows_are_left, 2, 1, product, i, first, lane); break;
        default: multiply_rows(rows_are_left, 4, 1, product, i, first, lane);
        }
    }
    return first + MW_GEMM_LANES;
}

/// The product of few rows of a and columns of b (rows_are_left is false), or of rows of a and few columns of b, on the
/// calling thread.
MW_ALWAYS_INLINE void multiply_dots(const bool rows_are_left, const mw_gemm_product *product) {
    const ptrdiff_t few_count = rows_are_left ? product->n : product->m;
    const ptrdiff_t row_count = rows_are_left ? product->m : product->n;
    packed_left few[MW_GEMM_FEW_STEPS];
    // Three are taken for four, and seven for eight.
    const ptrdiff_t packed_count = few_count % 4 == 3 ? few_count + 1 : few_count;
    const ptrdiff_t packed_stride = MW_GEMM_FEW_STEPS / packed_count / MW_GEMM_DEPTH * MW_GEMM_DEPTH;
    for (ptrdiff_t p = 0; p < product->k; p += packed_stride * MW_GEMM_STEP) {
        const ptrdiff_t count = at_most(product->k - p, packed_stride * MW_GEMM_STEP);
        for (ptrdiff_t i = 0; i < few_count; i++) {
            if (rows_are_left) {
                pack_right_steps(
                    few + i * packed_stride,
                    (const right_element *)product->b + i * product->b_column_stride + p * product->b_row_stride,
                    product->b_row_stride, count);
            } else {
                pack_left(
                    few + i * packed_stride,
                    (const left_element *)product->a + i * product->a_row_stride + p * product->a_column_stride,
                    product->a_column_stride, count);
            }
        }
        memset(
            few + few_count * packed_stride, 0,
            (size_t)((packed_count - few_count) * packed_stride) * sizeof *few);
        const few_product part = {
            .few = few,
            .few_count = few_count,
            .packed_stride = packed_stride,
            .rows = rows_are_left ? (const char *)((const left_element *)product->a + p)
                                  : (const char *)((const right_element *)product->b + p),
            .row_bytes = rows_are_left ? product->a_row_stride * (ptrdiff_t)sizeof(left_element)
                                       : product->b_column_stride * (ptrdiff_t)sizeof(right_element),
            .count = count,
            .c = product->c,
            .c_few_stride = rows_are_left ? 1 : product->c_row_stride,
            .c_row_stride = rows_are_left ? product->c_row_stride : 1,
            .accumulate = product->accumulate || p > 0,
        };
        for (ptrdiff_t row = 0; row < row_count;) {
            row = multiply_few_by_rows(rows_are_left, &part, row, row_count);
        }
    }
}

__attribute__((noinline)) static void multiply_few_rows(const mw_gemm_product *product) {
    multiply_dots(false, product);
}
__attribute__((noinline)) static void multiply_few_columns(const mw_gemm_product *product) {
    multiply_dots(true, product);
}
