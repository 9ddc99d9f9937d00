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

#pragma clang assume_nonnull end

#endif
