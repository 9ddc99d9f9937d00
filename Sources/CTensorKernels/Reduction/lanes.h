// Sixteen f32 side by side: one AVX-512 register, two of AVX2, four of SSE2 or NEON. The compiler lowers the same
// operations to each, so that all paths combine the same lanes.
#ifndef MESHWORK_LANES_H
#define MESHWORK_LANES_H

#include <stdint.h>
#include <string.h>

#define MW_LANES 16
#define MW_BLOCK 256

typedef float mw_lanes __attribute__((vector_size(64)));
typedef float mw_unaligned_lanes __attribute__((vector_size(64), aligned(4)));
typedef int32_t mw_lane_mask __attribute__((vector_size(64)));

/// The larger, or NaN if either is NaN.
#define MW_MAXIMUM(x, y) ((y) > (x) || (y) != (y) ? (y) : (x))

#define MW_MAXIMUM_LANES(x, y)                                                                                        \
    ({                                                                                                                 \
        const mw_lanes left = (x), right = (y);                                                                        \
        const mw_lane_mask takes_right = (right > left) | (right != right);                                            \
        (mw_lanes)((takes_right & (mw_lane_mask)right) | (~takes_right & (mw_lane_mask)left));                         \
    })

#define MW_SUM(x, y) ((x) + (y))

#endif
