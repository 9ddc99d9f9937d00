// Sixteen f32 side by side, as a type that every path has: one register of AVX-512, two of AVX2, four of SSE2 or NEON.
// What can be done with them is in f32x16.h, and in the header of each path beside it.
#ifndef MESHWORK_F32X16_TYPE_H
#define MESHWORK_F32X16_TYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Every function that takes or returns these is inlined, so that how they would be passed does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

#define MW_F32X16_COUNT 16

typedef float mw_f32x16 __attribute__((vector_size(64)));
typedef uint32_t mw_u32x16 __attribute__((vector_size(64)));

#endif
