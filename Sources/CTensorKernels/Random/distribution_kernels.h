// Distributions, of one path. Included once by each path's file; see Dispatch/kernel_body.h.
//
// An element depends on the key, its number and the parameters only, so a range is cut into pieces anywhere.

/// 53 random bits, from the upper ones of two words.
MW_ALWAYS_INLINE uint64_t upper_53(uint32_t low, uint32_t high) { return ((uint64_t)high << 32 | low) >> 11; }

/// The block with this counter.
MW_ALWAYS_INLINE void random_block(const mw_random_work *work, uint64_t counter, uint32_t *x0, uint32_t *x1) {
    mw_threefry_block(work->key0, work->key1, (uint32_t)counter, (uint32_t)(counter >> 32), x0, x1);
}

/// Two elements of a pair that one block gives, or two blocks do: a range may begin or end in the middle of a pair.
#define MW_PAIR_PIECE(name, OUT, pair)                                                                                \
    static void name(const mw_random_work *work, uint64_t first, ptrdiff_t count, void *out_base) {                    \
        OUT *out = out_base;                                                                                           \
        OUT a, b;                                                                                                      \
        uint64_t number = first / 2;                                                                                   \
        if (first % 2 == 1 && count > 0) {                                                                             \
            pair(work, number++, &a, &b);                                                                              \
            *out++ = b;                                                                                                \
            count--;                                                                                                   \
        }                                                                                                              \
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count / 2; i++) {                                                     \
            OUT x, y;                                                                                                  \
            pair(work, number + (uint64_t)i, &x, &y);                                                                  \
            out[2 * i] = x;                                                                                            \
            out[2 * i + 1] = y;                                                                                        \
        }                                                                                                              \
        if (count % 2 == 1) {                                                                                          \
            pair(work, number + (uint64_t)(count / 2), &a, &b);                                                        \
            out[count - 1] = a;                                                                                        \
        }                                                                                                              \
    }

/// One element for each block.
#define MW_BLOCK_PIECE(name, OUT, element_of)                                                                         \
    static void name(const mw_random_work *work, uint64_t first, ptrdiff_t count, void *out_base) {                    \
        OUT *out = out_base;                                                                                           \
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                         \
            uint32_t x0, x1;                                                                                           \
            random_block(work, first + (uint64_t)i, &x0, &x1);                                                         \
            out[i] = element_of(x0, x1);                                                                               \
        }                                                                                                              \
    }

// Box and Muller (Annals of Mathematical Statistics 29, 1958): the first word gives the radius, the second the angle.
MW_ALWAYS_INLINE void normal_pair_f32(const mw_random_work *work, uint64_t number, float *a, float *b) {
    uint32_t x0, x1;
    random_block(work, number, &x0, &x1);
    // In (0, 1]; words below 2^24 keep all their bits, which is where the tails come from.
    const float u = (float)x0 * 0x1p-32f + 0x1p-33f;
    const float radius = __builtin_elementwise_sqrt(-2.0f * mw_random_log_f32(u));
    float cosine, sine;
    mw_random_turn_f32(x1, &cosine, &sine);
    *a = radius * cosine;
    *b = radius * sine;
}

MW_ALWAYS_INLINE void normal_pair_f64(const mw_random_work *work, uint64_t number, double *a, double *b) {
    uint32_t x0, x1, y0, y1;
    random_block(work, 2 * number, &x0, &x1);
    random_block(work, 2 * number + 1, &y0, &y1);
    const double u = (mw_f64_of_integer(upper_53(x0, x1)) + 0.5) * 0x1p-53;
    const double radius = __builtin_elementwise_sqrt(-2.0 * mw_random_log_f64(u));
    double cosine, sine;
    mw_random_turn_f64((uint64_t)y1 << 32 | y0, &cosine, &sine);
    *a = radius * cosine;
    *b = radius * sine;
}

/// -ln of the middle of a word's place in (0, 1).
MW_ALWAYS_INLINE double exponential_of(uint32_t word) {
    return -mw_random_log_f64((mw_f64_of_integer(word) + 0.5) * 0x1p-32);
}

MW_ALWAYS_INLINE void exponential_pair_f32(const mw_random_work *work, uint64_t number, float *a, float *b) {
    uint32_t x0, x1;
    random_block(work, number, &x0, &x1);
    *a = (float)exponential_of(x0);
    *b = (float)exponential_of(x1);
}

MW_ALWAYS_INLINE void gumbel_pair_f32(const mw_random_work *work, uint64_t number, float *a, float *b) {
    uint32_t x0, x1;
    random_block(work, number, &x0, &x1);
    *a = (float)-mw_random_log_f64(exponential_of(x0));
    *b = (float)-mw_random_log_f64(exponential_of(x1));
}

MW_ALWAYS_INLINE double uniform_of_block(uint32_t x0, uint32_t x1) {
    return mw_f64_of_integer(upper_53(x0, x1)) * 0x1p-53;
}

MW_ALWAYS_INLINE double exponential_of_block(uint32_t x0, uint32_t x1) {
    return -mw_random_log_f64((mw_f64_of_integer(upper_53(x0, x1)) + 0.5) * 0x1p-53);
}

MW_ALWAYS_INLINE double gumbel_of_block(uint32_t x0, uint32_t x1) {
    return -mw_random_log_f64(exponential_of_block(x0, x1));
}

MW_PAIR_PIECE(normal_piece_f32, float, normal_pair_f32)
MW_PAIR_PIECE(normal_piece_f64, double, normal_pair_f64)
MW_PAIR_PIECE(exponential_piece_f32, float, exponential_pair_f32)
MW_PAIR_PIECE(gumbel_piece_f32, float, gumbel_pair_f32)
MW_BLOCK_PIECE(uniform_piece_f64, double, uniform_of_block)
MW_BLOCK_PIECE(exponential_piece_f64, double, exponential_of_block)
MW_BLOCK_PIECE(gumbel_piece_f64, double, gumbel_of_block)

/// Quantiles of the part of the standard normal distribution between two probabilities.
static void truncated_normal_piece(const mw_random_work *work, uint64_t first, ptrdiff_t count, void *out_base) {
    double *out = out_base;
    for (ptrdiff_t i = 0; i < count; i++) {
        uint32_t x0, x1;
        random_block(work, first + (uint64_t)i, &x0, &x1);
        const double u = (mw_f64_of_integer(upper_53(x0, x1)) + 0.5) * 0x1p-53;
        out[i] = mw_normal_quantile(work->low + u * (work->high - work->low));
    }
}

static void bernoulli_piece(const mw_random_work *work, uint64_t first, ptrdiff_t count, void *out_base) {
    uint8_t *out = out_base;
    enum { block_size = 1024 };
    uint32_t words[block_size];
    for (ptrdiff_t begin = 0; begin < count; begin += block_size) {
        const ptrdiff_t length = count - begin < block_size ? count - begin : block_size;
        MW_KERNEL(random_bits)(work->key0, work->key1, first + (uint64_t)begin, length, words);
        // Below 2^32 the comparison is of 32 bits, beyond it always true.
        const uint32_t last = (uint32_t)(work->range - 1);
        for (ptrdiff_t i = 0; i < length; i++) {
            out[begin + i] = words[i] <= last;
        }
    }
}

/// Lemire, "Fast random integer generation in an interval" (ACM TOMACS 29, 2019): the upper half of a product of 128
/// bits, drawn again where the lower half lies in the part that would give some numbers one chance more than others.
/// Attempt k of element i reads the block i + k 2^56.
static uint64_t unbiased_integer(const mw_random_work *work, uint64_t number) {
    const uint64_t biased = (UINT64_C(0) - work->range) % work->range;
    for (uint64_t attempt = 0;; attempt++) {
        uint32_t x0, x1;
        random_block(work, number + (attempt << 56), &x0, &x1);
        const unsigned __int128 product = (unsigned __int128)((uint64_t)x1 << 32 | x0) * work->range;
        if ((uint64_t)product >= biased || attempt == 255) {
            return (uint64_t)(product >> 64);
        }
    }
}

static void integers_piece(const mw_random_work *work, uint64_t first, ptrdiff_t count, void *out_base) {
    uint64_t *out = out_base;
    if (work->range == 0) {
        // All 2^64 of them.
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
            uint32_t x0, x1;
            random_block(work, first + (uint64_t)i, &x0, &x1);
            out[i] = (uint64_t)x1 << 32 | x0;
        }
        return;
    }
    if (work->range > UINT32_MAX) {
        for (ptrdiff_t i = 0; i < count; i++) {
            out[i] = unbiased_integer(work, first + (uint64_t)i);
        }
        return;
    }
    // With a short range the product is two of 64 bits, which vectorise; that one must be drawn again is rare.
    const uint64_t biased = (UINT64_C(0) - work->range) % work->range;
    enum { block_size = 512 };
    for (ptrdiff_t begin = 0; begin < count; begin += block_size) {
        const ptrdiff_t end = count - begin < block_size ? count : begin + block_size;
        uint64_t is_biased = 0;
        MW_VECTOR_LOOP for (ptrdiff_t i = begin; i < end; i++) {
            uint32_t x0, x1;
            random_block(work, first + (uint64_t)i, &x0, &x1);
            const uint64_t lower = (uint64_t)x0 * work->range;
            const uint64_t upper = (uint64_t)x1 * work->range + (lower >> 32);
            is_biased |= (uint64_t)((upper << 32 | (lower & 0xffffffffu)) < biased);
            out[i] = upper >> 32;
        }
        for (ptrdiff_t i = begin; is_biased && i < end; i++) {
            out[i] = unbiased_integer(work, first + (uint64_t)i);
        }
    }
}

#define MW_DISTRIBUTION(kernel, OUT, piece_function)                                                                  \
    void MW_KERNEL(kernel)(uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, OUT *out) {                  \
        mw_random_work work = {.key0 = key0, .key1 = key1, .piece = piece_function};                                   \
        mw_random_share(&work, first, count, out, sizeof(OUT));                                                        \
    }

MW_DISTRIBUTION(random_uniform_f64, double, uniform_piece_f64)
MW_DISTRIBUTION(random_normal_f32, float, normal_piece_f32)
MW_DISTRIBUTION(random_normal_f64, double, normal_piece_f64)
MW_DISTRIBUTION(random_exponential_f32, float, exponential_piece_f32)
MW_DISTRIBUTION(random_exponential_f64, double, exponential_piece_f64)
MW_DISTRIBUTION(random_gumbel_f32, float, gumbel_piece_f32)
MW_DISTRIBUTION(random_gumbel_f64, double, gumbel_piece_f64)

void MW_KERNEL(random_truncated_normal)(
    uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, double low, double high, double *out) {
    mw_random_work work = {.key0 = key0, .key1 = key1, .low = low, .high = high, .piece = truncated_normal_piece};
    mw_random_share(&work, first, count, out, sizeof(double));
}

void MW_KERNEL(random_bernoulli)(
    uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, uint64_t threshold, uint8_t *out) {
    if (threshold == 0) {
        memset(out, 0, (size_t)count);
        return;
    }
    mw_random_work work = {.key0 = key0, .key1 = key1, .range = threshold, .piece = bernoulli_piece};
    mw_random_share(&work, first, count, out, sizeof(uint8_t));
}

void MW_KERNEL(random_integers)(
    uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, uint64_t range, uint64_t *out) {
    mw_random_work work = {.key0 = key0, .key1 = key1, .range = range, .piece = integers_piece};
    mw_random_share(&work, first, count, out, sizeof(uint64_t));
}
