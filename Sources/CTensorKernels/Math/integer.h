// What kernels need of integers beside C's operators.
#ifndef MESHWORK_INTEGER_MATH_H
#define MESHWORK_INTEGER_MATH_H

#include "floating_point.h"

/// Toward zero, saturating; NaN gives 0.
MW_ALWAYS_INLINE int32_t mw_saturating_int32(float x) {
    const float inside = x != x ? 0.0f : x < -0x1p31f ? -0x1p31f : x > 0x1.fffffep30f ? 0x1.fffffep30f : x;
    const int32_t truncated = (int32_t)inside;
    return x >= 0x1p31f ? INT32_MAX : truncated;
}

#endif
