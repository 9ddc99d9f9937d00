#include "../include/mw_sorting.h"

/// Calls MOVE(TYPE) with the type that has the elements' size.
#define FOR_SIZE(size, MOVE)                                                                                          \
    switch (size) {                                                                                                    \
    case 1: MOVE(uint8_t) break;                                                                                       \
    case 2: MOVE(uint16_t) break;                                                                                      \
    case 4: MOVE(uint32_t) break;                                                                                      \
    default: MOVE(uint64_t) break;                                                                                     \
    }

#define TAKE(TYPE)                                                                                                    \
    for (ptrdiff_t row = 0; row < rows; row++) {                                                                       \
        for (ptrdiff_t j = 0; j < taken; j++) {                                                                        \
            ((TYPE *)out)[row * taken + j] = ((const TYPE *)values)[row * count + places[row * taken + j]];            \
        }                                                                                                              \
    }

#define SPREAD(TYPE)                                                                                                  \
    for (ptrdiff_t row = 0; row < rows; row++) {                                                                       \
        for (ptrdiff_t j = 0; j < taken; j++) {                                                                        \
            ((TYPE *)out)[row * count + places[row * taken + j]] = ((const TYPE *)values)[row * taken + j];            \
        }                                                                                                              \
    }

void mw_take_places(
    ptrdiff_t size, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t taken, void *out, const void *values,
    const int32_t *places) {
    FOR_SIZE(size, TAKE)
}

void mw_spread_places(
    ptrdiff_t size, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t taken, void *out, const void *values,
    const int32_t *places) {
    FOR_SIZE(size, SPREAD)
}
