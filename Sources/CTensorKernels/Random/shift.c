// From a standard distribution to one with parameters.
#pragma STDC FP_CONTRACT OFF

#include "../include/mw_random.h"

#define MW_SCALE_AND_SHIFT(name, FLOAT)                                                                               \
    void name(ptrdiff_t count, FLOAT *values, FLOAT scale, FLOAT shift, FLOAT limit) {                                 \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            const FLOAT value = values[i] * scale + shift;                                                             \
            values[i] = value > limit ? limit : value;                                                                 \
        }                                                                                                              \
    }

MW_SCALE_AND_SHIFT(mw_scale_and_shift_f32, float)
MW_SCALE_AND_SHIFT(mw_scale_and_shift_f64, double)

#define MW_SHIFT_INTEGERS(INTEGER)                                                                                    \
    for (ptrdiff_t i = 0; i < count; i++) {                                                                            \
        ((INTEGER *)out)[i] = (INTEGER)(values[i] + lowest);                                                           \
    }

void mw_shift_integers(ptrdiff_t element_size, ptrdiff_t count, void *out, const uint64_t *values, uint64_t lowest) {
    switch (element_size) {
    case 1: MW_SHIFT_INTEGERS(uint8_t) break;
    case 2: MW_SHIFT_INTEGERS(uint16_t) break;
    case 4: MW_SHIFT_INTEGERS(uint32_t) break;
    default: MW_SHIFT_INTEGERS(uint64_t)
    }
}
