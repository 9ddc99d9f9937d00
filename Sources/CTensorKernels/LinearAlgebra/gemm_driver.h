// The loops around one path's tile of a matrix product. Included once by each file of a path and element type, which
// defines:
//
//   left_element, right_element, sum_element
//       the types of the elements of a, b and c
//   MW_GEMM_STEP, packed_left, packed_right
//       how many neighbours in k one instruction multiplies and adds for each element of c (1 for f32, 2 for bf16, 4
//       for bytes), and the types that hold so many, or hold them widened
//   MW_GEMM_READS_IN_PLACE
//       1 where a tile can read elements as they are, without packing them
//   pack_left(out, source, stride, count)
//       count elements of a row of a, as ⌈count / MW_GEMM_STEP⌉ steps; the last one is filled up with zeros
//   pack_right(out, source, row_stride, column_stride, count, width)
//       one step of `width` columns of b: at most MW_GEMM_STEP rows, `count` of which exist
//   add_rows(...)
//       what products of a few rows are made of; see `gemm_streaming.h`
//   what `gemm_dots.h` lists
//   MW_GEMM_PACKS_TRANSPOSED_ROWS, pack_transposed(out, out_stride, rows, depth, source, source_row_bytes)
//       1 where a step of a is a word of 32 bits of it; and then out[p * out_stride + r] = the word p of row r
//   multiply_tile(rows, columns, depth, a, a_row_stride, b, b_row_stride, c, c_row_stride, accumulate)
//       a tile of at most MW_GEMM_TILE_ROWS × MW_GEMM_TILE_COLUMNS, depth in steps, for rows of a
//       and b whose steps are contiguous; reads no column of b and c beyond `columns`
//
// The loops are those of Goto & van de Geijn ("Anatomy of high-performance matrix multiplication", ACM TOMS 2008):
// blocks of k and of columns, whose part of b is packed into panels as wide as a tile, which stay in the second-level
// cache; then bands of rows, whose part of a is packed too unless a tile reads it in place as fast. Along a band, a and
// c are read in sequence, as a processor that fetches ahead expects. Elements are summed over k in one order on every
// way through here.

/// Elements of k in a block.
#define MW_GEMM_BLOCK (MW_GEMM_DEPTH * MW_GEMM_STEP)
/// Between rows of a that is packed: a little more than a power of two, so that rows are in different sets of a cache.
#define MW_GEMM_PACKED_ROW (MW_GEMM_DEPTH + 16)
/// Rows of a or b this far apart or further are packed where they are read often: each needs a page of its own, and those
/// of a power of two share one set of a first-level cache.
#define MW_GEMM_FAR_BYTES 4096
/// Columns of b that are packed at once.
#define MW_GEMM_PACKED_COLUMNS (MW_GEMM_PACKED_BYTES / MW_GEMM_DEPTH / (ptrdiff_t)sizeof(packed_right))

MW_ALWAYS_INLINE ptrdiff_t at_most(ptrdiff_t size, ptrdiff_t limit) { return size < limit ? size : limit; }

#include "gemm_streaming.h"
#include "gemm_dots.h"

/// Packs columns 0..<columns of b (count elements of k, which are contiguous) into one panel.
static void pack_contiguous_columns(
    packed_right *packed, ptrdiff_t columns, ptrdiff_t count, const right_element *b, ptrdiff_t column_stride) {
    for (ptrdiff_t column = 0; column < MW_GEMM_TILE_COLUMNS; column += MW_GEMM_LANES) {
        for (ptrdiff_t p = 0; p < count; p += MW_GEMM_DOT_ELEMENTS) {
            right_vector square[MW_GEMM_LANES];
            const ptrdiff_t rows = at_most(columns - column, MW_GEMM_LANES);
            const ptrdiff_t elements = at_most(count - p, MW_GEMM_DOT_ELEMENTS);
            const char *source = (const char *)(b + column * column_stride + p);
            const ptrdiff_t row_bytes = column_stride * (ptrdiff_t)sizeof(right_element);
            if (rows == MW_GEMM_LANES && elements == MW_GEMM_DOT_ELEMENTS) {
                load_square(false, square, source, row_bytes);
            } else {
                load_square_at_edge(false, square, source, row_bytes, rows, elements);
            }
            packed_right *out = packed + p / MW_GEMM_STEP * MW_GEMM_TILE_COLUMNS + column;
            for (ptrdiff_t q = 0; q * MW_GEMM_STEP < elements; q++) {
                memcpy(out + q * MW_GEMM_TILE_COLUMNS, &square[q], sizeof square[q]);
            }
        }
    }
}

/// Packs columns 0..<columns of b (count elements of k) into panels of a tile's width, the last one padded with zeros.
static void pack_columns(
    packed_right *packed, ptrdiff_t columns, ptrdiff_t count, const right_element *b, ptrdiff_t row_stride,
    ptrdiff_t column_stride) {
    const ptrdiff_t depth = (count + MW_GEMM_STEP - 1) / MW_GEMM_STEP;
    if (row_stride == 1) {
        for (ptrdiff_t column = 0; column < columns; column += MW_GEMM_TILE_COLUMNS) {
            pack_contiguous_columns(
                packed + column * depth, at_most(columns - column, MW_GEMM_TILE_COLUMNS), count,
                b + column * column_stride, column_stride);
        }
        return;
    }
    if (columns % MW_GEMM_TILE_COLUMNS != 0) {
        packed_right *last = packed + columns / MW_GEMM_TILE_COLUMNS * MW_GEMM_TILE_COLUMNS * depth;
        memset(last, 0, (size_t)(depth * MW_GEMM_TILE_COLUMNS) * sizeof(packed_right));
    }
    // A few rows at a time: each is read in sequence over all panels, and each panel is written in long pieces.
    const ptrdiff_t rows_at_once = 16;
    for (ptrdiff_t first = 0; first < depth; first += rows_at_once) {
        const ptrdiff_t end = at_most(depth, first + rows_at_once);
        for (ptrdiff_t column = 0; column < columns; column += MW_GEMM_TILE_COLUMNS) {
            for (ptrdiff_t p = first; p < end; p++) {
                pack_right(
                    packed + column * depth + p * MW_GEMM_TILE_COLUMNS,
                    b + p * MW_GEMM_STEP * row_stride + column * column_stride, row_stride, column_stride,
                    at_most(count - p * MW_GEMM_STEP, MW_GEMM_STEP), at_most(columns - column, MW_GEMM_TILE_COLUMNS));
            }
        }
    }
}

/// Packs rows 0..<rows of a (count elements of k): each as it is, MW_GEMM_PACKED_ROW apart.
static void pack_rows(
    packed_left *packed, ptrdiff_t rows, ptrdiff_t count, const left_element *a, ptrdiff_t row_stride,
    ptrdiff_t column_stride) {
#ifdef MW_GEMM_PACKS_TRANSPOSED_ROWS
    if (row_stride == 1) {
        pack_transposed(
            packed, MW_GEMM_PACKED_ROW, count, rows, a, column_stride * (ptrdiff_t)sizeof(left_element));
        return;
    }
#endif
    for (ptrdiff_t i = 0; i < rows; i++) {
        pack_left(packed + i * MW_GEMM_PACKED_ROW, a + i * row_stride, column_stride, count);
    }
}

/// Asks for a share of the rows of a that are packed next: `part` of `parts` of the first `bytes` of each.
MW_ALWAYS_INLINE void prefetch_rows(
    const left_element *a, ptrdiff_t rows, ptrdiff_t row_stride, ptrdiff_t bytes, ptrdiff_t part, ptrdiff_t parts) {
    const ptrdiff_t lines = (bytes + 63) / 64;
    for (ptrdiff_t line = part * lines / parts; line < (part + 1) * lines / parts; line++) {
        for (ptrdiff_t i = 0; i < rows; i++) {
            __builtin_prefetch((const char *)(a + i * row_stride) + line * 64, 0, 2);
        }
    }
}

/// One product on the calling thread.
static void multiply_on_one_thread(const mw_gemm_product *product) {
    const ptrdiff_t m = product->m, n = product->n, k = product->k;
    const ptrdiff_t a_row_stride = product->a_row_stride, a_column_stride = product->a_column_stride;
    const ptrdiff_t b_row_stride = product->b_row_stride, b_column_stride = product->b_column_stride;
    if (m <= MW_GEMM_STREAMED_ROWS && b_column_stride == 1) {
        multiply_streaming(product, 1);
        return;
    }
    const bool has_one_type = _Generic((left_element)0, right_element: true, default: false);
    if (has_one_type && n <= 2 * MW_GEMM_STREAMED_BAND && a_row_stride == 1 && m >= MW_GEMM_LANES) {
        multiply_transposes_streaming(product);
        return;
    }
    if (m <= MW_GEMM_FEW_ROWS && b_row_stride == 1 && n >= MW_GEMM_LANES && k >= MW_GEMM_DOT_ELEMENTS) {
        multiply_few_rows(product);
        return;
    }
    if (n <= MW_GEMM_FEW && a_column_stride == 1 && m >= MW_GEMM_LANES && k >= MW_GEMM_DOT_ELEMENTS) {
        multiply_few_columns(product);
        return;
    }
#if MW_GEMM_READS_IN_PLACE
    const ptrdiff_t far_stride = MW_GEMM_FAR_BYTES / (ptrdiff_t)sizeof(right_element);
    const bool packs_columns = b_column_stride != 1 || (b_row_stride >= far_stride && m >= 4 * MW_GEMM_TILE_ROWS);
    const bool packs_rows = a_column_stride != 1 || (a_row_stride >= far_stride && n >= 4 * MW_GEMM_TILE_COLUMNS);
#else
    const bool packs_columns = true, packs_rows = true;
#endif
    // One panel always fits here, so that no product depends on memory being available.
    _Alignas(64) packed_right one_panel[MW_GEMM_DEPTH * MW_GEMM_TILE_COLUMNS];
    _Alignas(64) packed_left packed_rows[MW_GEMM_PACKED_ROW * MW_GEMM_TILE_ROWS];
    ptrdiff_t block_columns = at_most(n, MW_GEMM_PACKED_COLUMNS);
    packed_right *packed_columns = one_panel;
    size_t packed_bytes = 0;
    if (packs_columns && n > MW_GEMM_TILE_COLUMNS) {
        const ptrdiff_t panels = (block_columns + MW_GEMM_TILE_COLUMNS - 1) / MW_GEMM_TILE_COLUMNS;
        packed_bytes = (size_t)(panels * MW_GEMM_DEPTH * MW_GEMM_TILE_COLUMNS) * sizeof(packed_right);
        packed_columns = mw_storage_allocate(packed_bytes);
        if (packed_columns == NULL) {
            packed_columns = one_panel;
            packed_bytes = 0;
            block_columns = MW_GEMM_TILE_COLUMNS;
        }
    }

    for (ptrdiff_t column = 0; column < n; column += block_columns) {
        const ptrdiff_t columns = at_most(n - column, block_columns);
        const ptrdiff_t panels = (columns + MW_GEMM_TILE_COLUMNS - 1) / MW_GEMM_TILE_COLUMNS;
        for (ptrdiff_t p = 0; p < k; p += MW_GEMM_BLOCK) {
            const ptrdiff_t count = at_most(k - p, MW_GEMM_BLOCK);
            const ptrdiff_t depth = (count + MW_GEMM_STEP - 1) / MW_GEMM_STEP;
            const bool accumulate = product->accumulate || p > 0;
            const right_element *b =
                (const right_element *)product->b + p * b_row_stride + column * b_column_stride;
            const packed_right *panels_of_b = packed_columns;
            ptrdiff_t b_step = MW_GEMM_TILE_COLUMNS, panel_step = depth * MW_GEMM_TILE_COLUMNS;
            if (packs_columns) {
                pack_columns(packed_columns, columns, count, b, b_row_stride, b_column_stride);
            }
#if MW_GEMM_READS_IN_PLACE
            else {
                panels_of_b = b;
                b_step = b_row_stride;
                panel_step = MW_GEMM_TILE_COLUMNS;
            }
#endif
            for (ptrdiff_t row = 0; row < m; row += MW_GEMM_TILE_ROWS) {
                const ptrdiff_t rows = at_most(m - row, MW_GEMM_TILE_ROWS);
                const left_element *a = (const left_element *)product->a + row * a_row_stride + p * a_column_stride;
                const packed_left *band = packed_rows;
                ptrdiff_t band_stride = MW_GEMM_PACKED_ROW;
                ptrdiff_t next_rows = 0;
                if (packs_rows) {
                    pack_rows(packed_rows, rows, count, a, a_row_stride, a_column_stride);
                    next_rows = a_column_stride == 1 ? at_most(m - row - rows, MW_GEMM_TILE_ROWS) : 0;
                }
#if MW_GEMM_READS_IN_PLACE
                else {
                    band = a;
                    band_stride = a_row_stride;
                }
#endif
                sum_element *c = (sum_element *)product->c + row * product->c_row_stride + column;
                for (ptrdiff_t panel = 0; panel < panels; panel++) {
                    const ptrdiff_t j = panel * MW_GEMM_TILE_COLUMNS;
                    if (next_rows > 0) {
                        prefetch_rows(
                            a + MW_GEMM_TILE_ROWS * a_row_stride, next_rows, a_row_stride,
                            count * (ptrdiff_t)sizeof(left_element), panel, panels);
                    }
                    multiply_tile(
                        rows, at_most(columns - j, MW_GEMM_TILE_COLUMNS), depth, band, band_stride,
                        panels_of_b + panel * panel_step, b_step, c + j, product->c_row_stride, accumulate);
                }
            }
        }
    }
    if (packed_bytes > 0) {
        mw_storage_release(packed_columns, packed_bytes);
    }
}

/// Defines this path's kernel `name`.
#define MW_GEMM_DEFINE(name)                                                                                           \
    void MW_KERNEL(name)(                                                                                              \
        ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const left_element *a, ptrdiff_t a_row_stride,                          \
        ptrdiff_t a_column_stride, const right_element *b, ptrdiff_t b_row_stride, ptrdiff_t b_column_stride,          \
        sum_element *c, ptrdiff_t c_row_stride, bool accumulate, ptrdiff_t thread_budget) {                            \
        static const mw_gemm_kind kind = {                                                                             \
            .left_size = sizeof(left_element),                                                                         \
            .right_size = sizeof(right_element),                                                                       \
            .sum_size = sizeof(sum_element),                                                                           \
            .tile_rows = MW_GEMM_TILE_ROWS,                                                                            \
            .tile_columns = MW_GEMM_TILE_COLUMNS,                                                                      \
            .multiply = multiply_on_one_thread,                                                                        \
        };                                                                                                             \
        const mw_gemm_product product = {                                                                              \
            .m = m,                                                                                                    \
            .n = n,                                                                                                    \
            .k = k,                                                                                                    \
            .a = a,                                                                                                    \
            .a_row_stride = a_row_stride,                                                                              \
            .a_column_stride = a_column_stride,                                                                        \
            .b = b,                                                                                                    \
            .b_row_stride = b_row_stride,                                                                              \
            .b_column_stride = b_column_stride,                                                                        \
            .c = c,                                                                                                    \
            .c_row_stride = c_row_stride,                                                                              \
            .accumulate = accumulate,                                                                                  \
        };                                                                                                             \
        mw_gemm_share(&product, &kind, thread_budget);                                                                 \
    }
