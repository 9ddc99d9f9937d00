// Sixteen numbers side by side: for f32 one AVX-512 register, two of AVX2, four of SSE2 or NEON. The compiler lowers
// the same operations to each, so that all paths combine the same lanes.
#ifndef MESHWORK_LANES_H
#define MESHWORK_LANES_H

#include <stdint.h>
#include <string.h>

#define MW_LANES 16
#define MW_BLOCK 256

typedef float mw_lanes __attribute__((vector_size(64)));
typedef float mw_unaligned_lanes __attribute__((vector_size(64), aligned(4)));
typedef double mw_f64_lanes __attribute__((vector_size(128)));
typedef double mw_unaligned_f64_lanes __attribute__((vector_size(128), aligned(8)));
typedef int64_t mw_i64_lanes __attribute__((vector_size(128)));
typedef int64_t mw_unaligned_i64_lanes __attribute__((vector_size(128), aligned(8)));
typedef uint64_t mw_u64_lanes __attribute__((vector_size(128)));
typedef uint64_t mw_unaligned_u64_lanes __attribute__((vector_size(128), aligned(8)));

/// Lanes of `x` where the mask has all bits set, of `y` where it has none.
#define MW_SELECT_LANES(mask, x, y)                                                                                   \
    ((__typeof__(x))(((mask) & (__typeof__(mask))(x)) | (~(mask) & (__typeof__(mask))(y))))

/// The larger, or NaN if either is NaN.
#define MW_MAXIMUM(x, y) ((y) > (x) || (y) != (y) ? (y) : (x))
/// The smaller, or NaN if either is NaN.
#define MW_MINIMUM(x, y) ((y) < (x) || (y) != (y) ? (y) : (x))

#define MW_MAXIMUM_LANES(x, y)                                                                                        \
    ({                                                                                                                 \
        const __typeof__(x) left = (x);                                                                                \
        const __typeof__(x) right = (y);                                                                               \
        MW_SELECT_LANES((right > left) | (right != right), right, left);                                               \
    })

#define MW_MINIMUM_LANES(x, y)                                                                                        \
    ({                                                                                                                 \
        const __typeof__(x) left = (x);                                                                                \
        const __typeof__(x) right = (y);                                                                               \
        MW_SELECT_LANES((right < left) | (right != right), right, left);                                               \
    })

#define MW_SUM(x, y) ((x) + (y))
#define MW_PRODUCT(x, y) ((x) * (y))

#endif
