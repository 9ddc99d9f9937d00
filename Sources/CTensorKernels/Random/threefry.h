// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
#ifndef MESHWORK_THREEFRY_H
#define MESHWORK_THREEFRY_H

#include <stdint.h>

static inline __attribute__((always_inline)) uint32_t mw_rotate_left(uint32_t x, int bits) {
    return (x << bits) | (x >> (32 - bits));
}

#define MW_THREEFRY_ROUND(rotation)                                                                                   \
    x0 += x1;                                                                                                          \
    x1 = mw_rotate_left(x1, rotation);                                                                                 \
    x1 ^= x0;

/// Four rounds and the key injection that ends them.
#define MW_THREEFRY_ROUNDS(r0, r1, r2, r3, key_a, key_b, injection)                                                   \
    MW_THREEFRY_ROUND(r0) MW_THREEFRY_ROUND(r1) MW_THREEFRY_ROUND(r2) MW_THREEFRY_ROUND(r3)                            \
    x0 += key_a;                                                                                                       \
    x1 += key_b + injection;

static inline __attribute__((always_inline)) void mw_threefry_block(
    uint32_t key0, uint32_t key1, uint32_t counter0, uint32_t counter1, uint32_t *out0, uint32_t *out1) {
    // 0x1BD11BDA is the constant that the Skein designers chose against keys whose words cancel (paper, section 4.2).
    const uint32_t key2 = 0x1BD11BDAu ^ key0 ^ key1;
    uint32_t x0 = counter0 + key0;
    uint32_t x1 = counter1 + key1;
    MW_THREEFRY_ROUNDS(13, 15, 26, 6, key1, key2, 1u)
    MW_THREEFRY_ROUNDS(17, 29, 16, 24, key2, key0, 2u)
    MW_THREEFRY_ROUNDS(13, 15, 26, 6, key0, key1, 3u)
    MW_THREEFRY_ROUNDS(17, 29, 16, 24, key1, key2, 4u)
    MW_THREEFRY_ROUNDS(13, 15, 26, 6, key2, key0, 5u)
    *out0 = x0;
    *out1 = x1;
}

#endif
