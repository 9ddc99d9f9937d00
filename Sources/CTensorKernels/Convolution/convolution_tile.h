// A tile of a convolution: up to MW_TILE_ROWS neighbouring places of one row of the result, in up to two vectors of
// output channels, in registers. Included once by a path's file, which defines
// MW_TILE_ROWS, `tile_vector`, and store_tile_vector(to, value, count), which writes the first `count` lanes.

#define MW_TILE_VECTOR ((ptrdiff_t)(sizeof(tile_vector) / sizeof(float)))
#define MW_TILE_COLUMNS (2 * MW_TILE_VECTOR)

MW_ALWAYS_INLINE tile_vector tile_multiply_add(tile_vector x, tile_vector y, tile_vector z) {
#if defined(MW_PATH_HAS_FMA) || defined(__FMA__) || defined(__aarch64__)
    return __builtin_elementwise_fma(x, y, z);
#else
    // Imitating the fused operation would be far too slow; convolutions may differ between paths.
    return x * y + z;
#endif
}

/// `rows` and `vectors` are constants where this is inlined, so that the sums stay in registers.
///
/// The place p of the tile has the input pixel a + p · a_stride. `columns` of the packed weights' are written to c; their
/// rows are b_step apart.
MW_ALWAYS_INLINE void convolve_tile_of(
    const int rows, const int vectors, ptrdiff_t columns, const mw_convolution_run *runs, ptrdiff_t run_count,
    const float *a, ptrdiff_t a_stride, const float *b, ptrdiff_t b_step, float *c, ptrdiff_t c_stride) {
    tile_vector sum[MW_TILE_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        sum[i][0] = sum[i][1] = (tile_vector){0};
    }
    for (ptrdiff_t run = 0; run < run_count; run++) {
        // A pixel is reached from the third one before it or nearer: base + {0, 1, 2} · stride are addressing modes.
        const float *a0 = a + runs[run].a_offset;
        const float *a3 = rows > 3 ? a0 + 3 * a_stride : a0;
        const float *a6 = rows > 6 ? a0 + 6 * a_stride : a0;
        const float *a9 = rows > 9 ? a0 + 9 * a_stride : a0;
        const float *a12 = rows > 12 ? a0 + 12 * a_stride : a0;
        const float *weights = b + runs[run].b_offset;
        for (ptrdiff_t p = runs[run].depth; p > 0; p--) {
            // Without this the compiler walks from pixel to pixel by one chain of additions, longer than the arithmetic.
            __asm__("" : "+r"(a0), "+r"(a3), "+r"(a6), "+r"(a9), "+r"(a12));
            tile_vector b0, b1 = {0};
            memcpy(&b0, weights, sizeof b0);
            if (vectors == 2) {
                memcpy(&b1, weights + MW_TILE_VECTOR, sizeof b1);
            }
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                const float *base = i < 3 ? a0 : i < 6 ? a3 : i < 9 ? a6 : i < 12 ? a9 : a12;
                const tile_vector x = base[(i % 3) * a_stride] - (tile_vector){0};
                sum[i][0] = tile_multiply_add(x, b0, sum[i][0]);
                if (vectors == 2) {
                    sum[i][1] = tile_multiply_add(x, b1, sum[i][1]);
                }
            }
            a0++, a3++, a6++, a9++, a12++;
            weights += b_step;
        }
    }
    if (columns == vectors * MW_TILE_VECTOR) {
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            memcpy(c + i * c_stride, &sum[i][0], sizeof(tile_vector));
            if (vectors == 2) {
                memcpy(c + i * c_stride + MW_TILE_VECTOR, &sum[i][1], sizeof(tile_vector));
            }
        }
        return;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        if (vectors == 2) {
            memcpy(c + i * c_stride, &sum[i][0], sizeof(tile_vector));
        }
        store_tile_vector(
            c + i * c_stride + (vectors - 1) * MW_TILE_VECTOR, sum[i][vectors - 1],
            columns - (vectors - 1) * MW_TILE_VECTOR);
    }
}

#define MW_TILE_FUNCTION(rows, vectors)                                                                               \
    static void convolve_tile_##rows##_##vectors(                                                                      \
        ptrdiff_t columns, const mw_convolution_run *runs, ptrdiff_t run_count, const float *a, ptrdiff_t a_stride,    \
        const float *b, ptrdiff_t b_step, float *c, ptrdiff_t c_stride) {                                              \
        convolve_tile_of(rows, vectors, columns, runs, run_count, a, a_stride, b, b_step, c, c_stride);                \
    }
#define MW_TILE_FUNCTIONS(rows) MW_TILE_FUNCTION(rows, 1) MW_TILE_FUNCTION(rows, 2)
#define MW_TILE_PAIR(rows) {convolve_tile_##rows##_1, convolve_tile_##rows##_2}

MW_TILE_FUNCTIONS(1)
MW_TILE_FUNCTIONS(2)
MW_TILE_FUNCTIONS(3)
MW_TILE_FUNCTIONS(4)
#if MW_TILE_ROWS > 4
MW_TILE_FUNCTIONS(5)
MW_TILE_FUNCTIONS(6)
#endif
#if MW_TILE_ROWS > 6
MW_TILE_FUNCTIONS(7)
MW_TILE_FUNCTIONS(8)
MW_TILE_FUNCTIONS(9)
MW_TILE_FUNCTIONS(10)
MW_TILE_FUNCTIONS(11)
MW_TILE_FUNCTIONS(12)
MW_TILE_FUNCTIONS(13)
MW_TILE_FUNCTIONS(14)
#endif

/// `places` (at most MW_TILE_ROWS) of the result in `columns` (at most MW_TILE_COLUMNS) channels.
MW_ALWAYS_INLINE void convolve_tile(
    ptrdiff_t places, ptrdiff_t columns, const mw_convolution_run *runs, ptrdiff_t run_count, const float *a,
    ptrdiff_t a_stride, const float *b, ptrdiff_t b_step, float *c, ptrdiff_t c_stride) {
    static void (*const tiles[MW_TILE_ROWS][2])(
        ptrdiff_t, const mw_convolution_run *, ptrdiff_t, const float *, ptrdiff_t, const float *, ptrdiff_t,
        float *, ptrdiff_t) = {
        MW_TILE_PAIR(1), MW_TILE_PAIR(2), MW_TILE_PAIR(3), MW_TILE_PAIR(4),
#if MW_TILE_ROWS > 4
        MW_TILE_PAIR(5), MW_TILE_PAIR(6),
#endif
#if MW_TILE_ROWS > 6
        MW_TILE_PAIR(7), MW_TILE_PAIR(8), MW_TILE_PAIR(9), MW_TILE_PAIR(10), MW_TILE_PAIR(11), MW_TILE_PAIR(12),
        MW_TILE_PAIR(13), MW_TILE_PAIR(14),
#endif
    };
    tiles[places - 1][columns > MW_TILE_VECTOR](
        columns, runs, run_count, a, a_stride, b, b_step, c, c_stride);
}
