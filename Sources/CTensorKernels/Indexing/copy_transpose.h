// Transposes for elements of 1, 2, 4 and 8 bytes: `out` is contiguous along the columns, `a` along the rows.
//
// A square of one cache line by one cache line at a time is transposed into a buffer, from which whole lines go to the
// result: neither side touches a line twice, even where strides are powers of two and all lines of a square fall into
// one set of the cache. Inside, vectors of 16 bytes are interleaved with their partner half a square away; after as many
// rounds as the number of elements in a vector has bits, the square of vectors is transposed (Eklundh, "A fast computer
// method for matrix transposing", IEEE Trans. Computers 1972).
#ifndef MESHWORK_COPY_TRANSPOSE_H
#define MESHWORK_COPY_TRANSPOSE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t mw_vector_8 __attribute__((vector_size(16)));
typedef uint16_t mw_vector_16 __attribute__((vector_size(16)));
typedef uint32_t mw_vector_32 __attribute__((vector_size(16)));
typedef uint64_t mw_vector_64 __attribute__((vector_size(16)));

#define MW_LOW_8(a, b)                                                                                                \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define MW_HIGH_8(a, b)                                                                                               \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define MW_LOW_16(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define MW_HIGH_16(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define MW_LOW_32(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define MW_HIGH_32(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define MW_LOW_64(a, b) __builtin_shufflevector(a, b, 0, 2)
#define MW_HIGH_64(a, b) __builtin_shufflevector(a, b, 1, 3)

#define MW_TRANSPOSE(BITS, LANES)                                                                                     \
    /* One square of LANES vectors. */                                                                                 \
    static inline __attribute__((always_inline)) void transpose_square_##BITS(                                         \
        uint##BITS##_t *out, ptrdiff_t out_row_stride, const uint##BITS##_t *a, ptrdiff_t a_column_stride) {           \
        mw_vector_##BITS rows[LANES], interleaved[LANES];                                                              \
        for (int i = 0; i < LANES; i++) {                                                                              \
            memcpy(&rows[i], a + i * a_column_stride, 16);                                                             \
        }                                                                                                              \
        for (int round = 1; round < LANES; round *= 2) {                                                               \
            for (int i = 0; i < LANES / 2; i++) {                                                                      \
                interleaved[2 * i] = MW_LOW_##BITS(rows[i], rows[i + LANES / 2]);                                      \
                interleaved[2 * i + 1] = MW_HIGH_##BITS(rows[i], rows[i + LANES / 2]);                                 \
            }                                                                                                          \
            memcpy(rows, interleaved, sizeof rows);                                                                    \
        }                                                                                                              \
        for (int i = 0; i < LANES; i++) {                                                                              \
            memcpy(out + i * out_row_stride, &rows[i], 16);                                                            \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
static void transpose_##BITS(                                                                                      \
        ptrdiff_t rows, ptrdiff_t columns, uint##BITS##_t *out, ptrdiff_t out_row_stride, const uint##BITS##_t *a,     \
        ptrdiff_t a_column_stride) {                                                                                   \
        enum { side = 512 / BITS };                                                                                    \
        uint##BITS##_t buffer[side * side];                                                                            \
        for (ptrdiff_t row = 0; row < rows; row += side) {                                                             \
            const ptrdiff_t height = rows - row < side ? rows - row : side;                                            \
            for (ptrdiff_t column = 0; column < columns; column += side) {                                             \
                const ptrdiff_t width = columns - column < side ? columns - column : side;                             \
                uint##BITS##_t *target = out + row * out_row_stride + column;                                          \
                const uint##BITS##_t *source = a + row + column * a_column_stride;                                     \
                if (height < side || width < side) {                                                                   \
                    for (ptrdiff_t i = 0; i < height; i++) {                                                           \
                        for (ptrdiff_t j = 0; j < width; j++) {                                                        \
                            target[i * out_row_stride + j] = source[i + j * a_column_stride];                          \
                        }                                                                                              \
                    }                                                                                                  \
                    continue;                                                                                          \
                }                                                                                                      \
                for (int j = 0; j < side; j += LANES) {                                                                \
                    for (int i = 0; i < side; i += LANES) {                                                            \
                        transpose_square_##BITS(                                                                       \
                            buffer + i * side + j, side, source + i + j * a_column_stride, a_column_stride);           \
                    }                                                                                                  \
                }                                                                                                      \
                for (int i = 0; i < side; i++) {                                                                       \
                    memcpy(target + i * out_row_stride, buffer + i * side, 64);                                        \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

MW_TRANSPOSE(8, 16)
MW_TRANSPOSE(16, 8)
MW_TRANSPOSE(32, 4)
MW_TRANSPOSE(64, 2)

#endif
