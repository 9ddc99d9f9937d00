// Means and squared deviations of rows, of one path. Included once by `normalize_kernels.h`; see Lanes/f32x16.h.

/// Elements whose deviations from a mean of their own are summed in f32: sixteen lanes of as many groups of 16.
#define MW_MOMENTS_BLOCK 16384

/// What the whole vectors of up to MW_MOMENTS_BLOCK elements have in each lane: the sum and the mean of the lane's
/// elements, and the sum of the squares of their deviations from that mean.
typedef struct lane_moments {
    mw_f32x16 sum, mean, squares;
} lane_moments;

/// Of groups of 16 vectors: the sum of their means, and of the squares of the deviations from them.
typedef struct group_sums {
    mw_f32x16 means, squares[4];
} group_sums;

/// Adds a group of 256 elements, and returns its means. Each lane takes mean and deviations of the 16 elements that it
/// holds in registers, in one pass over memory, which loses nothing however far the row's mean is from 0.
MW_ALWAYS_INLINE mw_f32x16 add_group(group_sums *sums, const float *a) {
    // Half of the elements are added, half multiplied by 1/16 and added in one step, since processors have as many
    // units for the one as for the other.
    mw_f32x16 x[16];
    mw_f32x16 added[2] = {load16(a), load16(a + 16)};
    mw_f32x16 scaled[2] = {load16(a + 128) * splat(1.0f / 16), load16(a + 144) * splat(1.0f / 16)};
#pragma clang loop unroll(full)
    for (int j = 0; j < 16; j++) {
        x[j] = load16(a + 16 * j);
    }
#pragma clang loop unroll(full)
    for (int j = 2; j < 8; j++) {
        added[j % 2] += x[j];
        scaled[j % 2] = fma16(x[8 + j], splat(1.0f / 16), scaled[j % 2]);
    }
    const mw_f32x16 mean = fma16(added[0] + added[1], splat(1.0f / 16), scaled[0] + scaled[1]);
#pragma clang loop unroll(full)
    for (int j = 0; j < 16; j++) {
        sums->squares[j % 4] = fma16(x[j] - mean, x[j] - mean, sums->squares[j % 4]);
    }
    sums->means += mean;
    return mean;
}

/// The moments of all whole vectors, of which `sums` and `means` have those in whole groups: their means deviate from
/// the lane's (Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979).
MW_ALWAYS_INLINE lane_moments combine_groups(
    ptrdiff_t count, const float *a, const group_sums *sums, const mw_f32x16 *means) {
    const ptrdiff_t groups = count / 256, vectors = count / 16, rest = vectors % 16;
    const float *others = a + 256 * groups;
    mw_f32x16 squares = (sums->squares[0] + sums->squares[1]) + (sums->squares[2] + sums->squares[3]);
    mw_f32x16 sum = sums->means * splat(16);
    mw_f32x16 other_mean = splat(0);
    if (rest > 0) {
        for (ptrdiff_t j = 0; j < rest; j++) {
            other_mean += load16(others + 16 * j);
        }
        sum += other_mean;
        other_mean *= splat(1.0f / (float)rest);
        for (ptrdiff_t j = 0; j < rest; j++) {
            const mw_f32x16 deviation = load16(others + 16 * j) - other_mean;
            squares = fma16(deviation, deviation, squares);
        }
    }
    const mw_f32x16 mean = sum * splat(vectors > 0 ? 1.0f / (float)vectors : 0.0f);
    mw_f32x16 between = splat(0);
    for (ptrdiff_t group = 0; group < groups; group++) {
        between = fma16(means[group] - mean, means[group] - mean, between);
    }
    between *= splat(16);
    if (rest > 0) {
        const mw_f32x16 deviation = other_mean - mean;
        between = fma16(deviation * deviation, splat((float)rest), between);
    }
    return (lane_moments){.sum = sum, .mean = mean, .squares = squares + between};
}

MW_ALWAYS_INLINE lane_moments moments_of_lanes(ptrdiff_t count, const float *a) {
    mw_f32x16 means[MW_MOMENTS_BLOCK / 256];
    group_sums sums = {splat(0), {splat(0), splat(0), splat(0), splat(0)}};
    for (ptrdiff_t i = 0; i + 256 <= count; i += 256) {
        means[i / 256] = add_group(&sums, a + i);
    }
    return combine_groups(count, a, &sums, means);
}

/// Mean and sum of squared deviations of 1...MW_MOMENTS_BLOCK elements, of whose whole vectors the moments are known.
MW_ALWAYS_INLINE void combine_lanes(
    ptrdiff_t count, const float *a, const lane_moments *lanes, double *mean, double *squares) {
    const ptrdiff_t vectors = count / 16, rest = count % 16;
    const mw_f32x16 tail = rest > 0 ? load_first(a + 16 * vectors, rest, 0) : splat(0);
    *mean = (double)total_of_lanes(lanes->sum + tail) / (double)count;
    const mw_f32x16 row_mean = splat((float)*mean);
    const mw_f32x16 deviation = lanes->mean - row_mean;
    mw_f32x16 sum = fma16(deviation * deviation, splat((float)vectors), lanes->squares);
    if (rest > 0) {
        const mw_f32x16 tail_deviation = load_first(a + 16 * vectors, rest, (float)*mean) - row_mean;
        sum = fma16(tail_deviation, tail_deviation, sum);
    }
    *squares = (double)total_of_lanes(sum);
}

/// Means and variances of up to MW_ROWS_BATCH rows. The lanes of all are summed before those of one are combined, so
/// that the combinations, each a chain of steps that wait for one another, overlap.
static void row_moments(
    ptrdiff_t rows, ptrdiff_t columns, const float *a, ptrdiff_t a_row_stride, double *means, double *variances) {
    lane_moments lanes[MW_ROWS_BATCH];
    for (ptrdiff_t begin = 0; begin < columns; begin += MW_MOMENTS_BLOCK) {
        const ptrdiff_t size = columns - begin < MW_MOMENTS_BLOCK ? columns - begin : MW_MOMENTS_BLOCK;
        for (ptrdiff_t row = 0; row < rows; row++) {
            lanes[row] = moments_of_lanes(size, a + begin + row * a_row_stride);
        }
        for (ptrdiff_t row = 0; row < rows; row++) {
            double mean, squares;
            combine_lanes(size, a + begin + row * a_row_stride, &lanes[row], &mean, &squares);
            const double difference = mean - means[row];
            const double share = (double)size / (double)(begin + size);
            means[row] += difference * share;
            variances[row] += (squares + difference * difference * (double)begin * share) / (double)columns;
        }
    }
}

/// The mean of the squares of a row.
MW_ALWAYS_INLINE double row_mean_square(ptrdiff_t count, const float *a) {
    double total = 0;
    for (ptrdiff_t begin = 0; begin < count; begin += MW_SUMMED_BLOCK) {
        const ptrdiff_t end = count - begin < MW_SUMMED_BLOCK ? count : begin + MW_SUMMED_BLOCK;
        mw_f32x16 sum[4] = {splat(0), splat(0), splat(0), splat(0)};
        ptrdiff_t i = begin;
        for (; i + 64 <= end; i += 64) {
            for (int j = 0; j < 4; j++) {
                const mw_f32x16 x = load16(a + i + 16 * j);
                sum[j] = fma16(x, x, sum[j]);
            }
        }
        for (; i + 16 <= end; i += 16) {
            const mw_f32x16 x = load16(a + i);
            sum[0] = fma16(x, x, sum[0]);
        }
        if (i < end) {
            const mw_f32x16 x = load_first(a + i, end - i, 0);
            sum[1] = fma16(x, x, sum[1]);
        }
        total += (double)total_of_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
    }
    return total / (double)count;
}
