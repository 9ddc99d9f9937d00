#include "MachinePeaks.h"

// So many sums that no multiply-add waits for the one before it: a latency of 4 or 5 times two of them at once.
enum { sums = 12 };

#if defined(__x86_64__)
#include <immintrin.h>

// A sink that the compiler cannot see through, so that the sums are not dropped.
static volatile float sink;

__attribute__((target("avx512f"))) static double multiply_add_avx512(long rounds) {
    __m512 sum[sums];
    for (int i = 0; i < sums; i++) {
        sum[i] = _mm512_set1_ps((float)i);
    }
    const __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
    for (long round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < sums; i++) {
            sum[i] = _mm512_fmadd_ps(sum[i], x, y);
        }
    }
    for (int i = 0; i < sums; i++) {
        sink = sink + _mm512_cvtss_f32(sum[i]);
    }
    return 2.0 * 16 * sums * (double)rounds;
}

__attribute__((target("avx2,fma"))) static double multiply_add_avx2(long rounds) {
    __m256 sum[sums];
    for (int i = 0; i < sums; i++) {
        sum[i] = _mm256_set1_ps((float)i);
    }
    const __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
    for (long round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < sums; i++) {
            sum[i] = _mm256_fmadd_ps(sum[i], x, y);
        }
    }
    for (int i = 0; i < sums; i++) {
        sink = sink + _mm256_cvtss_f32(sum[i]);
    }
    return 2.0 * 8 * sums * (double)rounds;
}

double bench_fma_operations(long rounds) {
    if (__builtin_cpu_supports("avx512f")) {
        return multiply_add_avx512(rounds);
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? multiply_add_avx2(rounds) : 0;
}
#else
double bench_fma_operations(long rounds) {
    (void)rounds;
    return 0;
}
#endif

// The loops below are compiled for the widest vectors that the machine has, as a user's own would be.
#if defined(__x86_64__) && defined(__linux__)
#define WIDEST_VECTORS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDEST_VECTORS
#endif

WIDEST_VECTORS
float bench_read(const float *values, ptrdiff_t count) {
    typedef float vector __attribute__((vector_size(64), aligned(4)));
    vector sum[4] = {{0}};
    ptrdiff_t i = 0;
    for (; i + 64 <= count; i += 64) {
        for (int part = 0; part < 4; part++) {
            sum[part] += *(const vector *)(values + i + part * 16);
        }
    }
    float total = 0;
    for (; i < count; i++) {
        total += values[i];
    }
    for (int lane = 0; lane < 64; lane++) {
        total += sum[lane / 16][lane % 16];
    }
    return total;
}

WIDEST_VECTORS
void bench_add(float *restrict out, const float *restrict a, const float *restrict b, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = a[i] + b[i];
    }
}

WIDEST_VECTORS
void bench_multiply(float *restrict out, const float *restrict a, const float *restrict b, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = a[i] * b[i];
    }
}

WIDEST_VECTORS
void bench_step(float *restrict parameters, const float *restrict gradient, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        parameters[i] -= gradient[i];
    }
}

WIDEST_VECTORS
void bench_step_with_moments(
    float *restrict parameters, float *restrict first, float *restrict second, const float *restrict gradient,
    ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        first[i] = 0.5f * first[i] + gradient[i];
        second[i] = 0.5f * second[i] + gradient[i];
        parameters[i] -= first[i] * second[i];
    }
}
