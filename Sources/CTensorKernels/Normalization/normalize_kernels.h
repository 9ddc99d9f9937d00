// Rows with mean 0 and variance 1, or with a mean square of 1, of one path. Included once by each path's file; see
// Dispatch/kernel_body.h and Lanes/f32x16.h.

#include "moments.h"

/// Of how many elements rows are that are normalised while the next is measured. The moments of shorter ones wait for
/// one another longer than for memory, and longer ones do not stay in a first-level cache; those are done in batches.
#define MW_MEASURED_AHEAD_FROM 512
#define MW_MEASURED_AHEAD_TO 2048

/// (x - mean) · scale, times a weight and plus a bias where they are given.
MW_ALWAYS_INLINE mw_f32x16 normalized(
    const bool has_weight, const bool has_bias, mw_f32x16 x, mw_f32x16 mean, mw_f32x16 scale, mw_f32x16 weight,
    mw_f32x16 bias) {
    x = (x - mean) * scale;
    return has_bias ? fma16(x, weight, bias) : has_weight ? x * weight : x;
}

/// Normalises elements from i until i + 64.
///
/// Four vectors are loaded before any is stored: a load waits for a store before it whose address has the same lowest
/// 12 bits, as it has where `out` and `a` lie a few vectors, and whole pages, apart.
MW_ALWAYS_INLINE void apply_to_64(
    const bool has_weight, const bool has_bias, ptrdiff_t i, float *out, const float *a, mw_f32x16 mean,
    mw_f32x16 scale, const float *weight, const float *bias) {
    mw_f32x16 x[4];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
        const mw_f32x16 w = has_weight ? load16(weight + i + 16 * j) : splat(1);
        const mw_f32x16 b = has_bias ? load16(bias + i + 16 * j) : splat(0);
        x[j] = normalized(has_weight, has_bias, load16(a + i + 16 * j), mean, scale, w, b);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
        store16(out + i + 16 * j, x[j]);
    }
}

/// Normalises a row that has a weight and a bias, where they are given, for each element; and where `measures`, gives
/// the moments of the row `next`, of as many elements up to MW_MEASURED_AHEAD_TO, meanwhile: what is stored of one row
/// then leaves the cache while the other is read.
MW_ALWAYS_INLINE lane_moments apply_elementwise(
    const bool has_weight, const bool has_bias, const bool measures, ptrdiff_t count, float *out, const float *a,
    float mean, float scale, const float *weight, const float *bias, const float *next) {
    const mw_f32x16 center = splat(mean), factor = splat(scale);
    mw_f32x16 means[MW_MEASURED_AHEAD_TO / 256];
    group_sums sums = {splat(0), {splat(0), splat(0), splat(0), splat(0)}};
    ptrdiff_t i = 0;
    while (measures && i + 256 <= count) {
        means[i / 256] = add_group(&sums, next + i);
        for (const ptrdiff_t end = i + 256; i < end; i += 64) {
            apply_to_64(has_weight, has_bias, i, out, a, center, factor, weight, bias);
        }
    }
    for (; i + 64 <= count; i += 64) {
        apply_to_64(has_weight, has_bias, i, out, a, center, factor, weight, bias);
    }
    for (; i < count; i += 16) {
        const ptrdiff_t rest = count - i < 16 ? count - i : 16;
        const mw_f32x16 w = has_weight ? load_first(weight + i, rest, 0) : splat(1);
        const mw_f32x16 b = has_bias ? load_first(bias + i, rest, 0) : splat(0);
        const mw_f32x16 x = load_first(a + i, rest, 0);
        store_first(out + i, normalized(has_weight, has_bias, x, center, factor, w, b), rest);
    }
    return measures ? combine_groups(count, next, &sums, means) : (lane_moments){splat(0), splat(0), splat(0)};
}

/// What the rows of one call share; weights and biases are f32, or f64 for rows of f64.
typedef struct row_normalization {
    mw_normalization kind;
    const mw_rows_to_normalize *shape;
    const void *weight;
    const void *bias;
} row_normalization;

/// A row with a weight and a bias for each element, where there are any; see `apply_elementwise`.
MW_ALWAYS_INLINE lane_moments apply_weights(
    const bool measures, const row_normalization *normalization, ptrdiff_t first_channel, ptrdiff_t columns, float *out,
    const float *a, float mean, float scale, const float *next) {
    const float *weight = normalization->weight;
    const float *bias = normalization->bias;
    if (weight == NULL) {
        return apply_elementwise(false, false, measures, columns, out, a, mean, scale, NULL, NULL, next);
    }
    weight += first_channel;
    if (bias == NULL) {
        return apply_elementwise(true, false, measures, columns, out, a, mean, scale, weight, NULL, next);
    }
    return apply_elementwise(true, true, measures, columns, out, a, mean, scale, weight, bias + first_channel, next);
}

/// Of the weights and biases of a row, the first one's place.
MW_ALWAYS_INLINE ptrdiff_t first_channel_of(const mw_rows_to_normalize *shape, ptrdiff_t row) {
    return shape->groups == 1 ? 0 : row % shape->groups * shape->channels;
}

/// One row with what its elements are shifted and scaled by.
static void apply_normalization(
    const row_normalization *normalization, ptrdiff_t row, ptrdiff_t columns, float *out, const float *a, float mean,
    float scale) {
    const mw_rows_to_normalize *shape = normalization->shape;
    const ptrdiff_t first_channel = first_channel_of(shape, row);
    const float *weight = normalization->weight;
    const float *bias = normalization->bias;
    if (weight == NULL || shape->width == 1) {
        apply_weights(false, normalization, first_channel, columns, out, a, mean, scale, NULL);
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

/// Rows to be given mean 0 and variance 1, the next of which is measured while one is normalised. Weights, where there
/// are any, are elements' own.
static void normalize_rows_in_turn(
    const row_normalization *normalization, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t columns, float *out,
    const float *a, ptrdiff_t a_row_stride) {
    lane_moments lanes = moments_of_lanes(columns, a);
    for (ptrdiff_t i = 0; i < rows; i++) {
        const float *source = a + i * a_row_stride;
        float *target = out + i * columns;
        double mean, squares;
        combine_lanes(columns, source, &lanes, &mean, &squares);
        const double variance = squares / (double)columns;
        const float scale = (float)(1.0 / __builtin_elementwise_sqrt(variance + normalization->shape->epsilon));
        const ptrdiff_t first_channel = first_channel_of(normalization->shape, row + i);
        if (i + 1 < rows) {
            lanes = apply_weights(
                true, normalization, first_channel, columns, target, source, (float)mean, scale,
                source + a_row_stride);
        } else {
            apply_weights(false, normalization, first_channel, columns, target, source, (float)mean, scale, NULL);
        }
    }
}

static void normalize_rows(
    const void *details, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a,
    ptrdiff_t a_row_stride) {
    const row_normalization *normalization = details;
    const bool has_weights_of_elements = normalization->weight == NULL || normalization->shape->width == 1;
    const bool fits = columns >= MW_MEASURED_AHEAD_FROM && columns <= MW_MEASURED_AHEAD_TO;
    if (normalization->kind == MW_NORMALIZE_MOMENTS && has_weights_of_elements && fits) {
        normalize_rows_in_turn(normalization, row, rows, columns, out, a, a_row_stride);
        return;
    }
    const ptrdiff_t batch = mw_rows_in_batch(columns);
    for (ptrdiff_t begin = 0; begin < rows; begin += batch) {
        const ptrdiff_t count = rows - begin < batch ? rows - begin : batch;
        double means[MW_ROWS_BATCH] = {0}, spreads[MW_ROWS_BATCH] = {0};
        float scales[MW_ROWS_BATCH];
        if (normalization->kind == MW_NORMALIZE_MOMENTS) {
            row_moments(count, columns, a + begin * a_row_stride, a_row_stride, means, spreads);
        } else {
            for (ptrdiff_t i = 0; i < count; i++) {
                spreads[i] = row_mean_square(columns, a + (begin + i) * a_row_stride);
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
