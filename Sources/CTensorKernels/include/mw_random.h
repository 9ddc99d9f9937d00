// Streams of random numbers.
#ifndef MESHWORK_RANDOM_H
#define MESHWORK_RANDOM_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// Ranges of the streams that belong to keys.
typedef struct mw_random_kernels {
    /// Elements first ..< first + count of the stream of random 32-bit words that belongs to a key.
    ///
    /// The generator is Threefry-2x32 with 20 rounds (Salmon et al., SC 2011). Element i is word i % 2 of the block
    /// whose counter is i / 2, its low 32 bits as counter word 0 and its high 32 bits as counter word 1. These bits
    /// are permanent: they do not change with machine, instruction set, thread count or release.
    void (*random_bits)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, uint32_t *out);

    /// As `random_bits`, each word w as the f32 (w >> 8) * 2^-24 in [0, 1).
    void (*random_uniform_f32)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, float *out);

    // What follows are elements first ..< first + count of a distribution. Each depends on the key, its number and the
    // parameters only, and its bits are as permanent as those of the words: w(i) below.

    /// Element i is (w(2i) + 2^32 w(2i + 1)) >> 11, times 2^-53, in [0, 1).
    void (*random_uniform_f64)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, double *out);

    /// Standard normal numbers by Box and Muller: elements 2j and 2j + 1 are √(-2 ln u) times cos and sin of
    /// 2π w(2j + 1) / 2^32, with u = w(2j) 2^-32 + 2^-33; at most 6.77 in magnitude.
    void (*random_normal_f32)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, float *out);

    /// As `random_normal_f32`, from words 4j ... 4j + 3: 53 bits of the first two for u, 51 of the others for the angle.
    void (*random_normal_f64)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, double *out);

    /// Exponential numbers of rate 1: -ln((w(i) + 1/2) 2^-32), computed in f64.
    void (*random_exponential_f32)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, float *out);

    /// -ln u, with u the middle of the place that the 53 bits of `random_uniform_f64` have in (0, 1).
    void (*random_exponential_f64)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, double *out);

    /// Gumbel numbers: -ln of what `random_exponential_f32` rounds.
    void (*random_gumbel_f32)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, float *out);

    /// Gumbel numbers: -ln of those of `random_exponential_f64`.
    void (*random_gumbel_f64)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, double *out);

    /// Standard normal numbers between the quantiles of two probabilities, 0 < low < high < 1 (or 0 and 1 themselves,
    /// which no draw reaches): the quantile of low + u (high - low), with u as in `random_exponential_f64`.
    void (*random_truncated_normal)(
        uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, double low, double high, double *out);

    /// Gamma numbers of a shape that is positive and finite, and of scale 1, by Marsaglia and Tsang's method from blocks
    /// 4i ... 4i + 3 and those k 2^56 further; `first + count` is at most 2^53.
    void (*random_gamma)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, double shape, double *out);

    /// Bools that are true where w(i) < threshold, which is at most 2^32.
    void (*random_bernoulli)(
        uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, uint64_t threshold, uint8_t *out);

    /// Integers in 0 ..< range without bias, or of all 64 bits where it is 0; `first + count` is at most 2^56. Element i
    /// is the upper half of (w(2i) + 2^32 w(2i + 1)) range, drawn again from block i + k 2^56 where Lemire's test says
    /// so.
    void (*random_integers)(
        uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, uint64_t range, uint64_t *out);
} mw_random_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_RANDOM_KERNEL(apply, path) \
    apply(random, random_bits, path) \
    apply(random, random_uniform_f32, path) \
    apply(random, random_uniform_f64, path) \
    apply(random, random_normal_f32, path) \
    apply(random, random_normal_f64, path) \
    apply(random, random_exponential_f32, path) \
    apply(random, random_exponential_f64, path) \
    apply(random, random_gumbel_f32, path) \
    apply(random, random_gumbel_f64, path) \
    apply(random, random_truncated_normal, path) \
    apply(random, random_gamma, path) \
    apply(random, random_bernoulli, path) \
    apply(random, random_integers, path)

/// One block of Threefry-2x32 with 20 rounds: the words that `key0, key1` give for the counter `counter0, counter1`.
void mw_threefry2x32(uint32_t key0, uint32_t key1, uint32_t counter0, uint32_t counter1, uint32_t out[_Nonnull 2]);

/// values[i] = values[i] * scale + shift, not fused, and `limit` where that is more.
void mw_scale_and_shift_f32(ptrdiff_t count, float *values, float scale, float shift, float limit);

/// As `mw_scale_and_shift_f32`.
void mw_scale_and_shift_f64(ptrdiff_t count, double *values, double scale, double shift, double limit);

/// out[i] = values[i] + lowest, as an integer of 1, 2, 4 or 8 bytes.
void mw_shift_integers(ptrdiff_t element_size, ptrdiff_t count, void *out, const uint64_t *values, uint64_t lowest);

/// The number below which a standard normal one lies with probability p, 0 < p < 1, to about 16 digits; the same bits
/// everywhere.
double mw_standard_normal_quantile(double p);

#pragma clang assume_nonnull end

#endif
