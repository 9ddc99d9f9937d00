// Sixteen vectors of sixteen f32, transposed. Included once by a path's file, after f32x16.h.

/// Within pairs of vectors `distance` apart, what lies in the halves of each run of 2 · `distance` lanes changes places.
#define MW_EXCHANGE(x, y)                                                                                        \
    {                                                                                                                  \
        const mw_f32x16 left = (x), right = (y);                                                                       \
        (x) = __builtin_shufflevector(left, right, MW_LOW_LANES);                                                      \
        (y) = __builtin_shufflevector(left, right, MW_HIGH_LANES);                                                     \
    }

MW_ALWAYS_INLINE void transpose16(mw_f32x16 *rows) {
#define MW_LOW_LANES 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define MW_HIGH_LANES 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
        MW_EXCHANGE(rows[i], rows[i + 8])
    }
#undef MW_LOW_LANES
#undef MW_HIGH_LANES
#define MW_LOW_LANES 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define MW_HIGH_LANES 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
        MW_EXCHANGE(rows[i / 4 * 8 + i % 4], rows[i / 4 * 8 + i % 4 + 4])
    }
#undef MW_LOW_LANES
#undef MW_HIGH_LANES
#define MW_LOW_LANES 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define MW_HIGH_LANES 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
        MW_EXCHANGE(rows[i / 2 * 4 + i % 2], rows[i / 2 * 4 + i % 2 + 2])
    }
#undef MW_LOW_LANES
#undef MW_HIGH_LANES
#define MW_LOW_LANES 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define MW_HIGH_LANES 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
        MW_EXCHANGE(rows[2 * i], rows[2 * i + 1])
    }
#undef MW_LOW_LANES
#undef MW_HIGH_LANES
}

#undef MW_EXCHANGE

/// out[j · out_stride + i] = a[i · a_stride + j] for `rows` · `columns` elements.
static void transpose_block(
    ptrdiff_t rows, ptrdiff_t columns, float *out, ptrdiff_t out_stride, const float *a, ptrdiff_t a_stride) {
    for (ptrdiff_t i = 0; i < rows; i += 16) {
        const ptrdiff_t height = rows - i < 16 ? rows - i : 16;
        for (ptrdiff_t j = 0; j < columns; j += 16) {
            const ptrdiff_t width = columns - j < 16 ? columns - j : 16;
            mw_f32x16 block[16];
            if (height == 16 && width == 16) {
#pragma clang loop unroll(full)
                for (int k = 0; k < 16; k++) {
                    block[k] = load16(a + (i + k) * a_stride + j);
                }
                transpose16(block);
#pragma clang loop unroll(full)
                for (int k = 0; k < 16; k++) {
                    store16(out + (j + k) * out_stride + i, block[k]);
                }
                continue;
            }
            // Unrolled, or the block would have to lie in memory.
#pragma clang loop unroll(full)
            for (int k = 0; k < 16; k++) {
                block[k] = k < height ? load_first(a + (i + k) * a_stride + j, width, 0) : splat(0);
            }
            transpose16(block);
#pragma clang loop unroll(full)
            for (int k = 0; k < 16; k++) {
                if (k < width) {
                    store_first(out + (j + k) * out_stride + i, block[k], height);
                }
            }
        }
    }
}
