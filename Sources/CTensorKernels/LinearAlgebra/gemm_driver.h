// The loops around one path's tile of a matrix product. Included once by each path's file, which defines the size of
// a tile (MW_GEMM_TILE_ROWS × MW_GEMM_TILE_COLUMNS) and these functions:
//
//   multiply_tile(rows, columns, depth, a, a_row_stride, a_column_stride, b, b_row_stride, c, c_row_stride, accumulate)
//       a tile of at most that size, for b whose columns are contiguous; reads no column of b and c beyond `columns`
//   pack_transposed(out, out_stride, rows, depth, source, source_row_stride)
//       out[p * out_stride + r] = source[r * source_row_stride + p]
//
// The loops are those of Goto & van de Geijn ("Anatomy of high-performance matrix multiplication", ACM TOMS 2008):
// blocks of k and of columns, whose part of b is packed into panels as wide as a tile so that a tile reads it in
// sequence; then bands of rows, whose part of a is packed only if its rows are not contiguous, since a tile reads
// contiguous rows at full speed. Elements are summed over k in one order on every way through here.

/// Packs columns 0..<columns of b (depth rows) into panels of a tile's width, the last one padded with zeros.
static void pack_columns(
    float *packed, ptrdiff_t columns, ptrdiff_t depth, const float *b, ptrdiff_t row_stride,
    ptrdiff_t column_stride) {
    for (ptrdiff_t column = 0; column < columns; column += MW_GEMM_TILE_COLUMNS) {
        const ptrdiff_t width = columns - column < MW_GEMM_TILE_COLUMNS ? columns - column : MW_GEMM_TILE_COLUMNS;
        const float *source = b + column * column_stride;
        if (width < MW_GEMM_TILE_COLUMNS) {
            memset(packed, 0, (size_t)(depth * MW_GEMM_TILE_COLUMNS) * sizeof(float));
        }
        if (row_stride == 1) {
            pack_transposed(packed, MW_GEMM_TILE_COLUMNS, width, depth, source, column_stride);
        } else if (column_stride == 1 && width == MW_GEMM_TILE_COLUMNS) {
            for (ptrdiff_t p = 0; p < depth; p++) {
                memcpy(
                    packed + p * MW_GEMM_TILE_COLUMNS, source + p * row_stride,
                    MW_GEMM_TILE_COLUMNS * sizeof(float));
            }
        } else {
            for (ptrdiff_t p = 0; p < depth; p++) {
                for (ptrdiff_t j = 0; j < width; j++) {
                    packed[p * MW_GEMM_TILE_COLUMNS + j] = source[p * row_stride + j * column_stride];
                }
            }
        }
        packed += depth * MW_GEMM_TILE_COLUMNS;
    }
}

/// Packs rows 0..<rows (at most a tile's) of an a whose rows are not contiguous: elements of a column become
/// neighbours.
static void pack_rows(
    float *packed, ptrdiff_t rows, ptrdiff_t depth, const float *a, ptrdiff_t row_stride, ptrdiff_t column_stride) {
    if (row_stride == 1 && rows == MW_GEMM_TILE_ROWS) {
        for (ptrdiff_t p = 0; p < depth; p++) {
            memcpy(packed + p * MW_GEMM_TILE_ROWS, a + p * column_stride, MW_GEMM_TILE_ROWS * sizeof(float));
        }
        return;
    }
    for (ptrdiff_t p = 0; p < depth; p++) {
        for (ptrdiff_t i = 0; i < rows; i++) {
            packed[p * MW_GEMM_TILE_ROWS + i] = a[i * row_stride + p * column_stride];
        }
    }
}

/// One product on the calling thread.
static void multiply_on_one_thread(const mw_gemm_product *product) {
    // One panel always fits here, so that no product depends on memory being available.
    _Alignas(64) float one_panel[MW_GEMM_DEPTH * MW_GEMM_TILE_COLUMNS];
    _Alignas(64) float packed_rows[MW_GEMM_DEPTH * MW_GEMM_TILE_ROWS];
    const ptrdiff_t m = product->m, n = product->n, k = product->k;

    // A tile reads rows of b in place as fast as packed ones until they lie so far apart that each needs a page and a
    // cache set of its own; below a few bands of rows packing costs more than it saves even then.
    const bool packs_columns =
        product->b_column_stride != 1 ||
        (product->b_row_stride > MW_GEMM_PACKED_COLUMNS && m > 2 * MW_GEMM_TILE_ROWS);
    ptrdiff_t block_columns = n < MW_GEMM_PACKED_COLUMNS ? n : MW_GEMM_PACKED_COLUMNS;
    float *packed_columns = one_panel;
    size_t packed_bytes = 0;
    if (packs_columns && n > MW_GEMM_TILE_COLUMNS) {
        const ptrdiff_t panels = (block_columns + MW_GEMM_TILE_COLUMNS - 1) / MW_GEMM_TILE_COLUMNS;
        const ptrdiff_t depth = k < MW_GEMM_DEPTH ? k : MW_GEMM_DEPTH;
        packed_bytes = (size_t)(panels * depth * MW_GEMM_TILE_COLUMNS) * sizeof(float);
        packed_columns = mw_storage_allocate(packed_bytes);
        if (packed_columns == NULL) {
            packed_columns = one_panel;
            packed_bytes = 0;
            block_columns = MW_GEMM_TILE_COLUMNS;
        }
    }

    for (ptrdiff_t column = 0; column < n; column += block_columns) {
        const ptrdiff_t columns = n - column < block_columns ? n - column : block_columns;
        for (ptrdiff_t p = 0; p < k; p += MW_GEMM_DEPTH) {
            const ptrdiff_t depth = k - p < MW_GEMM_DEPTH ? k - p : MW_GEMM_DEPTH;
            const bool accumulate = product->accumulate || p > 0;
            const float *b = product->b + p * product->b_row_stride + column * product->b_column_stride;
            ptrdiff_t b_row_stride = product->b_row_stride;
            ptrdiff_t panel_stride = MW_GEMM_TILE_COLUMNS;
            if (packs_columns) {
                pack_columns(packed_columns, columns, depth, b, product->b_row_stride, product->b_column_stride);
                b = packed_columns;
                b_row_stride = MW_GEMM_TILE_COLUMNS;
                panel_stride = depth * MW_GEMM_TILE_COLUMNS;
            }
            for (ptrdiff_t row = 0; row < m; row += MW_GEMM_TILE_ROWS) {
                const ptrdiff_t rows = m - row < MW_GEMM_TILE_ROWS ? m - row : MW_GEMM_TILE_ROWS;
                const float *a = product->a + row * product->a_row_stride + p * product->a_column_stride;
                ptrdiff_t a_row_stride = product->a_row_stride;
                ptrdiff_t a_column_stride = product->a_column_stride;
                if (a_column_stride != 1) {
                    pack_rows(packed_rows, rows, depth, a, a_row_stride, a_column_stride);
                    a = packed_rows;
                    a_row_stride = 1;
                    a_column_stride = MW_GEMM_TILE_ROWS;
                }
                float *c = product->c + row * product->c_row_stride + column;
                const float *panel = b;
                for (ptrdiff_t j = 0; j < columns; j += MW_GEMM_TILE_COLUMNS) {
                    const ptrdiff_t width = columns - j < MW_GEMM_TILE_COLUMNS ? columns - j : MW_GEMM_TILE_COLUMNS;
                    multiply_tile(
                        rows, width, depth, a, a_row_stride, a_column_stride, panel, b_row_stride, c + j,
                        product->c_row_stride, accumulate);
                    panel += panel_stride;
                }
            }
        }
    }
    if (packed_bytes > 0) {
        mw_storage_release(packed_columns, packed_bytes);
    }
}

/// A product cut into bands of rows or of columns, whole tiles each.
typedef struct banded_product {
    const mw_gemm_product *product;
    ptrdiff_t band_rows, band_columns;
} banded_product;

static void multiply_band(void *context, ptrdiff_t band) {
    const banded_product *bands = context;
    mw_gemm_product part = *bands->product;
    const ptrdiff_t row = bands->band_rows * band;
    const ptrdiff_t column = bands->band_columns * band;
    part.a += row * part.a_row_stride;
    part.b += column * part.b_column_stride;
    part.c += row * part.c_row_stride + column;
    if (bands->band_rows > 0) {
        part.m = part.m - row < bands->band_rows ? part.m - row : bands->band_rows;
    } else {
        part.n = part.n - column < bands->band_columns ? part.n - column : bands->band_columns;
    }
    multiply_on_one_thread(&part);
}

/// The least number of units, each of `unit`, that `threads` bands of `size` need.
MW_ALWAYS_INLINE ptrdiff_t band_size(ptrdiff_t size, ptrdiff_t unit, ptrdiff_t threads) {
    const ptrdiff_t units = (size + unit - 1) / unit;
    return (units + threads - 1) / threads * unit;
}

void MW_KERNEL(gemm_f32)(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t a_row_stride, ptrdiff_t a_column_stride,
    const float *b, ptrdiff_t b_row_stride, ptrdiff_t b_column_stride, float *c, ptrdiff_t c_row_stride,
    bool accumulate, ptrdiff_t thread_budget) {
    if (m <= 0 || n <= 0) {
        return;
    }
    if (k <= 0) {
        for (ptrdiff_t row = 0; row < m && !accumulate; row++) {
            memset(c + row * c_row_stride, 0, (size_t)n * sizeof(float));
        }
        return;
    }
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
    const ptrdiff_t threads = thread_budget == 1 || m * n < MW_GEMM_PARALLEL_WORK / k ? 1 : mw_pool_width();
    if (threads == 1) {
        multiply_on_one_thread(&product);
        return;
    }
    // Bands of columns pack each part of b once, bands of rows each part of a; the longer side has more to share out.
    banded_product bands = {.product = &product, .band_rows = 0, .band_columns = 0};
    ptrdiff_t count;
    if (n >= m) {
        bands.band_columns = band_size(n, MW_GEMM_TILE_COLUMNS, threads);
        count = (n + bands.band_columns - 1) / bands.band_columns;
    } else {
        bands.band_rows = band_size(m, MW_GEMM_TILE_ROWS, threads);
        count = (m + bands.band_rows - 1) / bands.band_rows;
    }
    mw_parallel_for(count, thread_budget, multiply_band, &bands);
}
