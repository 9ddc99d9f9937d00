// Softmax and cross-entropy over rows of class scores, of one path. Included once by each path's file; see
// Dispatch/kernel_body.h.

/// out[j] = exp(scores[j] - shift)
MW_ALWAYS_INLINE void shifted_exp(ptrdiff_t count, float *out, const float *scores, float shift) {
    MW_VECTOR_LOOP for (ptrdiff_t j = 0; j < count; j++) {
        out[j] = mw_exp(scores[j] - shift);
    }
}

/// Σ_j exp(scores[j] - shift) along the tree of sums, in one pass that keeps a block of exponentials at a time.
static float shifted_exp_sum(ptrdiff_t count, const float *scores, float shift) {
    sum_pending pending = {.blocks = 0};
    float block[MW_BLOCK];
    for (ptrdiff_t begin = 0; begin < count; begin += MW_BLOCK) {
        const ptrdiff_t size = count - begin < MW_BLOCK ? count - begin : MW_BLOCK;
        shifted_exp(size, block, scores + begin, shift);
        sum_add_block(&pending, sum_block(block, size));
    }
    return sum_total(&pending);
}

void MW_KERNEL(softmax_f32)(
    ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a, ptrdiff_t a_row_stride) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        shifted_exp(columns, out, a, maximum_row(a, columns));
        const float scale = 1.0f / sum_row(out, columns);
        MW_VECTOR_LOOP for (ptrdiff_t j = 0; j < columns; j++) {
            out[j] *= scale;
        }
        out += columns;
        a += a_row_stride;
    }
}

void MW_KERNEL(log_softmax_f32)(
    ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a, ptrdiff_t a_row_stride) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float maximum = maximum_row(a, columns);
        const float log_sum = mw_log(shifted_exp_sum(columns, a, maximum));
        MW_VECTOR_LOOP for (ptrdiff_t j = 0; j < columns; j++) {
            out[j] = (a[j] - maximum) - log_sum;
        }
        out += columns;
        a += a_row_stride;
    }
}

void MW_KERNEL(cross_entropy_f32)(
    ptrdiff_t rows, ptrdiff_t classes, float *losses, const float *logits, ptrdiff_t logits_row_stride,
    const int32_t *labels) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float maximum = maximum_row(logits, classes);
        const float log_sum = mw_log(shifted_exp_sum(classes, logits, maximum));
        losses[row] = log_sum - (logits[labels[row]] - maximum);
        logits += logits_row_stride;
    }
}

void MW_KERNEL(cross_entropy_gradient_f32)(
    ptrdiff_t rows, ptrdiff_t classes, float *out, const float *logits, ptrdiff_t logits_row_stride,
    const int32_t *labels, const float *upstream, ptrdiff_t upstream_stride) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float weight = upstream[row * upstream_stride];
        shifted_exp(classes, out, logits, maximum_row(logits, classes));
        const float scale = 1.0f / sum_row(out, classes);
        const float label_probability = out[labels[row]] * scale;
        MW_VECTOR_LOOP for (ptrdiff_t j = 0; j < classes; j++) {
            out[j] = weight * (out[j] * scale);
        }
        out[labels[row]] = weight * (label_probability - 1.0f);
        out += classes;
        logits += logits_row_stride;
    }
}
