// Rows with mean 0 and variance 1, or with a mean square of 1, of one path. Included once by each path's file; see
// Dispatch/kernel_body.h and Lanes/f32x16.h.

/// Elements whose deviations from a mean of their own are summed in f32: sixteen lanes of as many groups of 16.
#define MW_MOMENTS_BLOCK 16384

/// Mean and sum of squared deviations of 1...MW_MOMENTS_BLOCK elements.
///
/// One pass over memory: each lane takes mean and deviations of the 16 elements that it holds in registers, which loses
/// nothing however far the row's mean is from 0; then the means of these groups deviate from the row's (Chan, Golub &
/// LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979).
static void block_moments(ptrdiff_t count, const float *a, double *mean, double *squares) {
    mw_f32x16 means[MW_MOMENTS_BLOCK / 256];
    mw_f32x16 within = splat(0), sum = splat(0), other_mean = splat(0);
    ptrdiff_t i = 0;
    int groups = 0;
    for (; i + 256 <= count; i += 256) {
        mw_f32x16 x[16];
        mw_f32x16 partial[4] = {splat(0), splat(0), splat(0), splat(0)};
#pragma clang loop unroll(full)
        for (int j = 0; j < 16; j++) {
            x[j] = load16(a + i + 16 * j);
            partial[j % 4] += x[j];
        }
        const mw_f32x16 center = ((partial[0] + partial[1]) + (partial[2] + partial[3])) * splat(1.0f / 16);
        mw_f32x16 deviations[2] = {splat(0), splat(0)};
#pragma clang loop unroll(full)
        for (int j = 0; j < 16; j++) {
            deviations[j % 2] = fma16(x[j] - center, x[j] - center, deviations[j % 2]);
        }
        within += deviations[0] + deviations[1];
        means[groups++] = center;
        sum += center;
    }
    sum *= splat(16);
    const ptrdiff_t vectors = (count - i) / 16;
    if (vectors > 0) {
        for (ptrdiff_t j = 0; j < vectors; j++) {
            other_mean += load16(a + i + 16 * j);
        }
        sum += other_mean;
        other_mean *= splat(1.0f / (float)vectors);
        for (ptrdiff_t j = 0; j < vectors; j++) {
            const mw_f32x16 deviation = load16(a + i + 16 * j) - other_mean;
            within = fma16(deviation, deviation, within);
        }
        i += 16 * vectors;
    }
    if (i < count) {
        sum += load_first(a + i, count - i, 0);
    }
    *mean = (double)total_of_lanes(sum) / (double)count;

    const mw_f32x16 row_mean = splat((float)*mean);
    mw_f32x16 between = splat(0);
    for (int group = 0; group < groups; group++) {
        between = fma16(means[group] - row_mean, means[group] - row_mean, between);
    }
    between *= splat(16);
    if (vectors > 0) {
        const mw_f32x16 deviation = other_mean - row_mean;
        between = fma16(deviation * deviation, splat((float)vectors), between);
    }
    if (i < count) {
        const mw_f32x16 deviation = load_first(a + i, count - i, (float)*mean) - row_mean;
        between = fma16(deviation, deviation, between);
    }
    *squares = (double)total_of_lanes(within + between);
}

/// Mean and variance of a row.
MW_ALWAYS_INLINE void row_moments(ptrdiff_t count, const float *a, double *mean, double *variance) {
    double squares;
    block_moments(count < MW_MOMENTS_BLOCK ? count : MW_MOMENTS_BLOCK, a, mean, &squares);
    for (ptrdiff_t begin = MW_MOMENTS_BLOCK; begin < count; begin += MW_MOMENTS_BLOCK) {
        const ptrdiff_t size = count - begin < MW_MOMENTS_BLOCK ? count - begin : MW_MOMENTS_BLOCK;
        double other_mean, other_squares;
        block_moments(size, a + begin, &other_mean, &other_squares);
        const double difference = other_mean - *mean;
        const double share = (double)size / (double)(begin + size);
        *mean += difference * share;
        squares += other_squares + difference * difference * (double)begin * share;
    }
    *variance = squares / (double)count;
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

/// out = (a - mean) · scale, times weights and plus biases where they are given, one for each element.
MW_ALWAYS_INLINE void apply_elementwise(
    const bool has_weight, const bool has_bias, ptrdiff_t count, float *out, const float *a, float mean, float scale,
    const float *weight, const float *bias) {
    ptrdiff_t i = 0;
    for (; i + 16 <= count; i += 16) {
        mw_f32x16 x = (load16(a + i) - splat(mean)) * splat(scale);
        if (has_bias) {
            x = fma16(x, load16(weight + i), load16(bias + i));
        } else if (has_weight) {
            x *= load16(weight + i);
        }
        store16(out + i, x);
    }
    if (i < count) {
        const ptrdiff_t rest = count - i;
        mw_f32x16 x = (load_first(a + i, rest, 0) - splat(mean)) * splat(scale);
        if (has_bias) {
            x = fma16(x, load_first(weight + i, rest, 0), load_first(bias + i, rest, 0));
        } else if (has_weight) {
            x *= load_first(weight + i, rest, 0);
        }
        store_first(out + i, x, rest);
    }
}

/// What the rows of one call share; weights and biases are f32, or f64 for rows of f64.
typedef struct row_normalization {
    mw_normalization kind;
    const mw_rows_to_normalize *shape;
    const void *weight;
    const void *bias;
} row_normalization;

/// One row with what its elements are shifted and scaled by.
static void apply_normalization(
    const row_normalization *normalization, ptrdiff_t row, ptrdiff_t columns, float *out, const float *a, float mean,
    float scale) {
    const mw_rows_to_normalize *shape = normalization->shape;
    const ptrdiff_t first_channel = shape->groups == 1 ? 0 : row % shape->groups * shape->channels;
    const float *weight = normalization->weight;
    const float *bias = normalization->bias;
    if (weight == NULL) {
        apply_elementwise(false, false, columns, out, a, mean, scale, NULL, NULL);
    } else if (shape->width == 1 && bias == NULL) {
        apply_elementwise(true, false, columns, out, a, mean, scale, weight + first_channel, NULL);
    } else if (shape->width == 1) {
        apply_elementwise(true, true, columns, out, a, mean, scale, weight + first_channel, bias + first_channel);
    } else {
        for (ptrdiff_t channel = 0; channel < shape->channels; channel++) {
            const ptrdiff_t begin = channel * shape->width;
            const float w = weight[first_channel + channel] * scale;
            const float b = bias == NULL ? 0 : bias[first_channel + channel];
            ptrdiff_t i = begin;
            const ptrdiff_t end = begin + shape->width;
            for (; i + 16 <= end; i += 16) {
                store16(out + i, fma16(load16(a + i) - splat(mean), splat(w), splat(b)));
            }
            if (i < end) {
                const mw_f32x16 x = load_first(a + i, end - i, 0) - splat(mean);
                store_first(out + i, fma16(x, splat(w), splat(b)), end - i);
            }
        }
    }
}

static void normalize_rows(
    const void *details, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a,
    ptrdiff_t a_row_stride) {
    const row_normalization *normalization = details;
    const ptrdiff_t batch = mw_rows_in_batch(columns);
    for (ptrdiff_t begin = 0; begin < rows; begin += batch) {
        const ptrdiff_t count = rows - begin < batch ? rows - begin : batch;
        double means[MW_ROWS_BATCH] = {0}, spreads[MW_ROWS_BATCH] = {0};
        float scales[MW_ROWS_BATCH];
        for (ptrdiff_t i = 0; i < count; i++) {
            const float *source = a + (begin + i) * a_row_stride;
            if (normalization->kind == MW_NORMALIZE_MOMENTS) {
                row_moments(columns, source, &means[i], &spreads[i]);
            } else {
                spreads[i] = row_mean_square(columns, source);
            }
        }
        MW_VECTOR_LOOP for (int i = 0; i < MW_ROWS_BATCH; i++) {
            scales[i] = (float)(1.0 / __builtin_elementwise_sqrt(spreads[i] + normalization->shape->epsilon));
        }
        for (ptrdiff_t i = 0; i < count; i++) {
            apply_normalization(
                normalization, row + begin + i, columns, out + (begin + i) * columns, a + (begin + i) * a_row_stride,
                (float)means[i], scales[i]);
        }
    }
}

static void normalize_row_f64(const void *details, ptrdiff_t row, ptrdiff_t columns, double *out, const double *a) {
    const row_normalization *normalization = details;
    const mw_rows_to_normalize *shape = normalization->shape;
    double mean = 0, squares = 0;
    if (normalization->kind == MW_NORMALIZE_MOMENTS) {
        for (ptrdiff_t j = 0; j < columns; j++) {
            mean += a[j];
        }
        mean /= (double)columns;
    }
    for (ptrdiff_t j = 0; j < columns; j++) {
        squares += (a[j] - mean) * (a[j] - mean);
    }
    const double scale = 1.0 / sqrt(squares / (double)columns + shape->epsilon);
    const ptrdiff_t first_channel = row % shape->groups * shape->channels;
    const double *weight = normalization->weight;
    const double *bias = normalization->bias;
    for (ptrdiff_t channel = 0; channel < shape->channels; channel++) {
        const double w = weight == NULL ? 1 : weight[first_channel + channel];
        const double b = bias == NULL ? 0 : bias[first_channel + channel];
        for (ptrdiff_t j = channel * shape->width; j < (channel + 1) * shape->width; j++) {
            out[j] = (a[j] - mean) * scale * w + b;
        }
    }
}

bool MW_KERNEL(normalize)(
    mw_normalization kind, mw_dtype dtype, const mw_rows_to_normalize *shape, void *out, const void *a,
    const void *weight, const void *bias) {
    const ptrdiff_t count = shape->groups * shape->channels;
    const bool widens = dtype != MW_DTYPE_F32 && dtype != MW_DTYPE_F64 && weight != NULL;
    const size_t wide_bytes = (size_t)(2 * count) * sizeof(float);
    float *wide = NULL;
    row_normalization normalization = {.kind = kind, .shape = shape, .weight = weight, .bias = bias};
    if (widens) {
        wide = mw_storage_allocate(wide_bytes);
        if (wide == NULL) {
            return false;
        }
        mw_widen(dtype, count, wide, weight, 1);
        normalization.weight = wide;
        if (bias != NULL) {
            mw_widen(dtype, count, wide + count, bias, 1);
            normalization.bias = wide + count;
        }
    }
    mw_row_job job = {
        .dtype = dtype, .rows = shape->rows, .columns = shape->channels * shape->width,
        .a_row_stride = shape->a_row_stride, .out = out, .a = a,
        .f32 = normalize_rows, .f64 = normalize_row_f64,
        .details = &normalization};
    const bool succeeded = mw_run_rows(&job);
    if (widens) {
        mw_storage_release(wide, wide_bytes);
    }
    return succeeded;
}
