// Streams of random words and of f32 values, of one path. Included once by each path's file; see
// Dispatch/kernel_body.h.

/// A word as an f32 in [0, 1): its upper 24 bits, which f32 holds exactly.
MW_ALWAYS_INLINE float unit_interval(uint32_t word) { return (float)(int32_t)(word >> 8) * 0x1p-24f; }

MW_ALWAYS_INLINE uint32_t same_word(uint32_t word) { return word; }

/// A range may begin or end in the middle of a block: those blocks give one element each, the rest two.
#define MW_RANDOM_KERNEL(kernel, OUT, element_of)                                                                     \
    void MW_KERNEL(kernel)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, OUT *out) {                  \
        uint32_t word0, word1;                                                                                         \
        uint64_t block = first / 2;                                                                                    \
        if (first % 2 == 1 && count > 0) {                                                                             \
            mw_threefry_block(key0, key1, (uint32_t)block, (uint32_t)(block >> 32), &word0, &word1);                   \
            *out++ = element_of(word1);                                                                                \
            count--;                                                                                                   \
            block++;                                                                                                   \
        }                                                                                                              \
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count / 2; i++) {                                                     \
            const uint64_t counter = block + (uint64_t)i;                                                              \
            uint32_t x0, x1;                                                                                           \
            mw_threefry_block(key0, key1, (uint32_t)counter, (uint32_t)(counter >> 32), &x0, &x1);                     \
            out[2 * i] = element_of(x0);                                                                               \
            out[2 * i + 1] = element_of(x1);                                                                           \
        }                                                                                                              \
        if (count % 2 == 1) {                                                                                          \
            block += (uint64_t)(count / 2);                                                                            \
            mw_threefry_block(key0, key1, (uint32_t)block, (uint32_t)(block >> 32), &word0, &word1);                   \
            out[count - 1] = element_of(word0);                                                                        \
        }                                                                                                              \
    }

MW_RANDOM_KERNEL(random_bits, uint32_t, same_word)
MW_RANDOM_KERNEL(random_uniform_f32, float, unit_interval)
