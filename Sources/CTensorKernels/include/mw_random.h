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
} mw_random_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_RANDOM_KERNEL(apply, path) \
    apply(random, random_bits, path) \
    apply(random, random_uniform_f32, path)

/// One block of Threefry-2x32 with 20 rounds: the words that `key0, key1` give for the counter `counter0, counter1`.
void mw_threefry2x32(uint32_t key0, uint32_t key1, uint32_t counter0, uint32_t counter1, uint32_t out[_Nonnull 2]);

#pragma clang assume_nonnull end

#endif
