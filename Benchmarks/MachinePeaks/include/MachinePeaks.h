// What the machine can do at most, measured beside what is compared with it.
#ifndef MESHWORK_MACHINE_PEAKS_H
#define MESHWORK_MACHINE_PEAKS_H

#include <stddef.h>

#pragma clang assume_nonnull begin

/// Floating-point operations that `rounds` rounds of fused multiply-adds of f32 on registers are; a multiply-add is two.
/// With the widest vectors of the machine; 0 where there is no loop for it.
double bench_fma_operations(long rounds);

/// The sum of `count` floats: reads them as fast as a plain loop of vectors does.
float bench_read(const float *values, ptrdiff_t count);

/// out = a + b, as fast as a plain loop of vectors does it. `out` overlaps neither.
void bench_add(float *out, const float *a, const float *b, ptrdiff_t count);

/// out = a · b, as `bench_add`.
void bench_multiply(float *out, const float *a, const float *b, ptrdiff_t count);

/// parameters -= gradient, as `bench_add`: 2 reads and a write of each element, in place.
void bench_step(float *parameters, const float *gradient, ptrdiff_t count);

/// A step with two moments and cheap arithmetic: 4 reads and 3 writes of each element, in place. The blocks do not overlap.
void bench_step_with_moments(
    float *parameters, float *first, float *second, const float *gradient, ptrdiff_t count);

#pragma clang assume_nonnull end

#endif
