// The gamma distribution, of one path. Included once by each path's file, after distribution_kernels.h.

/// Marsaglia & Tsang, "A simple method for generating gamma variables" (ACM TOMS 26, 2000): of a normal x the number
/// d (1 + c x)^3, accepted with a probability that is at least 0.95.
typedef struct gamma_shape {
    /// shape - 1/3, of a shape below 1 that of shape + 1.
    double d;
    /// 1 / sqrt(9 d).
    double c;
} gamma_shape;

/// The middle of the place that a block's 53 bits have in (0, 1).
MW_ALWAYS_INLINE double middle_of_block(const mw_random_work *work, uint64_t block) {
    uint32_t x0, x1;
    random_block(work, block, &x0, &x1);
    return (mw_f64_of_integer(upper_53(x0, x1)) + 0.5) * 0x1p-53;
}

/// What four blocks propose, and whether it is accepted without a logarithm. They give the normal number (two), what
/// decides, and the number by which one of a shape below 1 shrinks.
MW_ALWAYS_INLINE bool gamma_proposal(
    const mw_random_work *work, const gamma_shape *of, uint64_t block, double *x, double *v, double *u) {
    double unused;
    normal_pair_f64(work, block / 2, x, &unused);
    const double root = 1.0 + of->c * *x;
    *v = root * root * root;
    *u = middle_of_block(work, block + 2);
    const double squared = *x * *x;
    return (root > 0) & (*u < 1.0 - 0.0331 * (squared * squared));
}

/// Attempt k of element i reads the blocks 4i ... 4i + 3, and k 2^56 more.
static double gamma_number(const mw_random_work *work, const gamma_shape *of, uint64_t number) {
    for (uint64_t attempt = 0; attempt < 256; attempt++) {
        double x, v, u;
        if (gamma_proposal(work, of, 4 * number + (attempt << 56), &x, &v, &u)) {
            return of->d * v;
        }
        if (v > 0 && mw_random_log_f64(u) < 0.5 * (x * x) + of->d * ((1.0 - v) + mw_random_log_f64(v))) {
            return of->d * v;
        }
    }
    // Once in 20^256 elements: the middle of them.
    return of->d;
}

static void gamma_piece(const mw_random_work *work, uint64_t first, ptrdiff_t count, void *out_base) {
    double *out = out_base;
    const double shape = work->low;
    gamma_shape of = {.d = (shape < 1 ? shape + 1.0 : shape) - 1.0 / 3.0};
    of.c = 1.0 / __builtin_elementwise_sqrt(9.0 * of.d);
    // The first proposals vectorise, and few are left to be looked at one by one.
    enum { block_size = 256 };
    uint64_t is_accepted[block_size];
    for (ptrdiff_t begin = 0; begin < count; begin += block_size) {
        const ptrdiff_t length = count - begin < block_size ? count - begin : block_size;
        const uint64_t number = first + (uint64_t)begin;
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < length; i++) {
            double x, v, u;
            is_accepted[i] = gamma_proposal(work, &of, 4 * (number + (uint64_t)i), &x, &v, &u);
            out[begin + i] = of.d * v;
        }
        for (ptrdiff_t i = 0; i < length; i++) {
            if (!is_accepted[i]) {
                out[begin + i] = gamma_number(work, &of, number + (uint64_t)i);
            }
        }
        if (shape >= 1) {
            continue;
        }
        // A number of shape + 1 times u^(1 / shape).
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < length; i++) {
            const double u = middle_of_block(work, 4 * (number + (uint64_t)i) + 3);
            out[begin + i] *= mw_random_exp_f64(mw_random_log_f64(u) / shape);
        }
    }
}

void MW_KERNEL(random_gamma)(
    uint32_t key0, uint32_t key1, uint64_t first, ptrdiff_t count, double shape, double *out) {
    mw_random_work work = {.key0 = key0, .key1 = key1, .low = shape, .piece = gamma_piece};
    mw_random_share(&work, first, count, out, sizeof(double));
}
