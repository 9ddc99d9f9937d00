// Softmax and cross-entropy over rows of class scores, of one path. Included once by each path's file; see
// Dispatch/kernel_body.h and Lanes/f32x16.h.

/// Exponentials are summed in f32 along four times sixteen lanes for this many elements, and these sums in f64.
#define MW_SUMMED_BLOCK 1024

/// The largest element that is no NaN; -inf where there is none. Softmax needs no other care for NaN: each makes the
/// sum of exponentials NaN, and with it the whole row.
MW_ALWAYS_INLINE float greatest_element(ptrdiff_t count, const float *a) {
    const mw_f32x16 nothing = splat(mw_float_of(0xff800000u));
    mw_f32x16 greatest[4] = {nothing, nothing, nothing, nothing};
    ptrdiff_t i = 0;
    for (; i + 64 <= count; i += 64) {
        for (int j = 0; j < 4; j++) {
            greatest[j] = greater_of(load16(a + i + 16 * j), greatest[j]);
        }
    }
    for (; i + 16 <= count; i += 16) {
        greatest[0] = greater_of(load16(a + i), greatest[0]);
    }
    if (i < count) {
        greatest[1] = greater_of(load_first(a + i, count - i, mw_float_of(0xff800000u)), greatest[1]);
    }
    return greatest_of_lanes(
        greater_of(greater_of(greatest[0], greatest[1]), greater_of(greatest[2], greatest[3])));
}

/// Σ_j exp(a[j] - shift), and the terms in `out` where `stores`, for a shift that is no less than any element.
///
/// Arithmetic leaves memory idle here, so that the row `next`, of as many elements, is fetched into the cache
/// meanwhile: its maximum is found as fast as it can be read.
MW_ALWAYS_INLINE double shifted_exponentials(
    const bool stores, ptrdiff_t count, float *out, const float *a, float shift, const float *next) {
    double total = 0;
    for (ptrdiff_t begin = 0; begin < count; begin += MW_SUMMED_BLOCK) {
        const ptrdiff_t end = count - begin < MW_SUMMED_BLOCK ? count : begin + MW_SUMMED_BLOCK;
        mw_f32x16 sum[4] = {splat(0), splat(0), splat(0), splat(0)};
        ptrdiff_t i = begin;
        for (; i + 64 <= end; i += 64) {
            for (int j = 0; j < 4; j++) {
                __builtin_prefetch(next + i + 16 * j);
                const mw_f32x16 term = exp_of_nonpositive(load16(a + i + 16 * j) - splat(shift));
                sum[j] += term;
                if (stores) {
                    store16(out + i + 16 * j, term);
                }
            }
        }
        for (; i + 16 <= end; i += 16) {
            const mw_f32x16 term = exp_of_nonpositive(load16(a + i) - splat(shift));
            sum[0] += term;
            if (stores) {
                store16(out + i, term);
            }
        }
        if (i < end) {
            const mw_f32x16 rest = load_first(a + i, end - i, mw_float_of(0xff800000u));
            const mw_f32x16 term = exp_of_nonpositive(rest - splat(shift));
            sum[1] += term;
            if (stores) {
                store_first(out + i, term, end - i);
            }
        }
        total += (double)total_of_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
    }
    return total;
}

/// out[j] = out[j] · scale
MW_ALWAYS_INLINE void scale_row(ptrdiff_t count, float *out, float scale) {
    ptrdiff_t i = 0;
    for (; i + 16 <= count; i += 16) {
        store16(out + i, load16(out + i) * splat(scale));
    }
    if (i < count) {
        store_first(out + i, load_first(out + i, count - i, 0) * splat(scale), count - i);
    }
}

/// The largest element of each of up to MW_ROWS_BATCH rows. All of a batch before anything is done with one, so that
/// the last steps of one row overlap with the first of another.
MW_ALWAYS_INLINE void greatest_elements(
    ptrdiff_t count, ptrdiff_t columns, const float *a, ptrdiff_t a_row_stride, float *greatest) {
    for (ptrdiff_t i = 0; i < count; i++) {
        greatest[i] = greatest_element(columns, a + i * a_row_stride);
    }
}

static void softmax_rows(
    const void *details, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a,
    ptrdiff_t a_row_stride) {
    (void)details, (void)row;
    const ptrdiff_t batch = mw_rows_in_batch(columns);
    for (ptrdiff_t begin = 0; begin < rows; begin += batch) {
        const ptrdiff_t count = rows - begin < batch ? rows - begin : batch;
        const ptrdiff_t following = rows - begin - count < count ? 0 : count;
        float greatest[MW_ROWS_BATCH], scales[MW_ROWS_BATCH];
        double totals[MW_ROWS_BATCH] = {0};
        greatest_elements(count, columns, a + begin * a_row_stride, a_row_stride, greatest);
        for (ptrdiff_t i = 0; i < count; i++) {
            const float *source = a + (begin + i) * a_row_stride;
            totals[i] = shifted_exponentials(
                true, columns, out + (begin + i) * columns, source, greatest[i], source + following * a_row_stride);
        }
        MW_VECTOR_LOOP for (int i = 0; i < MW_ROWS_BATCH; i++) {
            scales[i] = (float)(1.0 / totals[i]);
        }
        for (ptrdiff_t i = 0; i < count; i++) {
            scale_row(columns, out + (begin + i) * columns, scales[i]);
        }
    }
}

/// The largest element of each of up to MW_ROWS_BATCH rows, and the logarithm of Σ_j exp(a[j] - largest). As many rows
/// may follow, `following` rows further.
static void log_totals(
    ptrdiff_t count, ptrdiff_t following, ptrdiff_t columns, const float *a, ptrdiff_t a_row_stride, float *greatest,
    float *logarithms) {
    float totals[MW_ROWS_BATCH] = {0};
    greatest_elements(count, columns, a, a_row_stride, greatest);
    for (ptrdiff_t i = 0; i < count; i++) {
        const float *source = a + i * a_row_stride;
        totals[i] = (float)shifted_exponentials(
            false, columns, NULL, source, greatest[i], source + following * a_row_stride);
    }
    MW_VECTOR_LOOP for (int i = 0; i < MW_ROWS_BATCH; i++) {
        logarithms[i] = mw_log(totals[i]);
    }
}

static void log_softmax_rows(
    const void *details, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a,
    ptrdiff_t a_row_stride) {
    (void)details, (void)row;
    const ptrdiff_t batch = mw_rows_in_batch(columns);
    for (ptrdiff_t begin = 0; begin < rows; begin += batch) {
        const ptrdiff_t count = rows - begin < batch ? rows - begin : batch;
        float greatest[MW_ROWS_BATCH], logarithms[MW_ROWS_BATCH];
        const ptrdiff_t following = rows - begin - count < count ? 0 : count;
        log_totals(count, following, columns, a + begin * a_row_stride, a_row_stride, greatest, logarithms);
        for (ptrdiff_t i = 0; i < count; i++) {
            const float *source = a + (begin + i) * a_row_stride;
            float *target = out + (begin + i) * columns;
            const mw_f32x16 shift = splat(greatest[i]), log_total = splat(logarithms[i]);
            ptrdiff_t j = 0;
            for (; j + 16 <= columns; j += 16) {
                store16(target + j, (load16(source + j) - shift) - log_total);
            }
            if (j < columns) {
                store_first(target + j, (load_first(source + j, columns - j, 0) - shift) - log_total, columns - j);
            }
        }
    }
}

/// The largest element and Σ_j exp(a[j] - largest) of f64.
static double greatest_f64(ptrdiff_t columns, const double *a, double *total) {
    double greatest = -(double)INFINITY;
    for (ptrdiff_t j = 0; j < columns; j++) {
        greatest = a[j] > greatest ? a[j] : greatest;
    }
    *total = 0;
    for (ptrdiff_t j = 0; j < columns; j++) {
        *total += exp(a[j] - greatest);
    }
    return greatest;
}

static void softmax_row_f64(const void *details, ptrdiff_t row, ptrdiff_t columns, double *out, const double *a) {
    (void)details, (void)row;
    double total;
    const double greatest = greatest_f64(columns, a, &total);
    for (ptrdiff_t j = 0; j < columns; j++) {
        out[j] = exp(a[j] - greatest) / total;
    }
}

static void log_softmax_row_f64(
    const void *details, ptrdiff_t row, ptrdiff_t columns, double *out, const double *a) {
    (void)details, (void)row;
    double total;
    const double greatest = greatest_f64(columns, a, &total);
    const double log_total = log(total);
    for (ptrdiff_t j = 0; j < columns; j++) {
        out[j] = (a[j] - greatest) - log_total;
    }
}

bool MW_KERNEL(softmax)(
    mw_dtype dtype, ptrdiff_t rows, ptrdiff_t columns, void *out, const void *a, ptrdiff_t a_row_stride) {
    mw_row_job job = {
        .dtype = dtype, .rows = rows, .columns = columns, .a_row_stride = a_row_stride, .out = out, .a = a,
        .f32 = softmax_rows, .f64 = softmax_row_f64};
    return mw_run_rows(&job);
}

bool MW_KERNEL(log_softmax)(
    mw_dtype dtype, ptrdiff_t rows, ptrdiff_t columns, void *out, const void *a, ptrdiff_t a_row_stride) {
    mw_row_job job = {
        .dtype = dtype, .rows = rows, .columns = columns, .a_row_stride = a_row_stride, .out = out, .a = a,
        .f32 = log_softmax_rows, .f64 = log_softmax_row_f64};
    return mw_run_rows(&job);
}

void MW_KERNEL(cross_entropy_f32)(
    ptrdiff_t rows, ptrdiff_t classes, float *losses, const float *logits, ptrdiff_t logits_row_stride,
    const int32_t *labels) {
    for (ptrdiff_t begin = 0; begin < rows; begin += MW_ROWS_BATCH) {
        const ptrdiff_t count = rows - begin < MW_ROWS_BATCH ? rows - begin : MW_ROWS_BATCH;
        const float *batch = logits + begin * logits_row_stride;
        float greatest[MW_ROWS_BATCH], logarithms[MW_ROWS_BATCH];
        const ptrdiff_t following = rows - begin - count < count ? 0 : count;
        log_totals(count, following, classes, batch, logits_row_stride, greatest, logarithms);
        for (ptrdiff_t i = 0; i < count; i++) {
            const float score = batch[i * logits_row_stride + labels[begin + i]];
            losses[begin + i] = logarithms[i] - (score - greatest[i]);
        }
    }
}

void MW_KERNEL(cross_entropy_gradient_f32)(
    ptrdiff_t rows, ptrdiff_t classes, float *out, const float *logits, ptrdiff_t logits_row_stride,
    const int32_t *labels, const float *upstream, ptrdiff_t upstream_stride) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float weight = upstream[row * upstream_stride];
        const double total = shifted_exponentials(
            true, classes, out, logits, greatest_element(classes, logits),
            row + 1 < rows ? logits + logits_row_stride : logits);
        scale_row(classes, out, (float)(1.0 / total));
        const float label_probability = out[labels[row]];
        scale_row(classes, out, weight);
        out[labels[row]] = weight * (label_probability - 1.0f);
        out += classes;
        logits += logits_row_stride;
    }
}
