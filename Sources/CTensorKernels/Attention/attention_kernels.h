// Scaled dot-product attention, of one path. Included once by each path's file; see Dispatch/kernel_body.h and
// Lanes/f32x16.h.

/// Queries and keys whose scores exist at a time. They shape the result's bits, and so do not depend on the threads.
#define MW_ATTENTION_QUERIES 64
#define MW_ATTENTION_KEYS 256

typedef struct attention_call {
    const mw_attention *of;
    float *out;
    const float *queries;
    const float *keys;
    const float *values;
    const float *mask;
    ptrdiff_t query_blocks;
    _Atomic bool is_out_of_memory;
} attention_call;

/// Sixteen products, scaled, and with elements i... of the mask, of which `lanes` exist.
MW_ALWAYS_INLINE mw_f32x16 masked_score(
    mw_f32x16 product, float scale, const float *mask, ptrdiff_t mask_stride, ptrdiff_t i, ptrdiff_t lanes) {
    const mw_f32x16 score = product * splat(scale);
    if (mask == NULL) {
        return score;
    }
    if (mask_stride == 1) {
        return score + load_first(mask + i, lanes, 0);
    }
    float gathered[16] = {0};
    for (ptrdiff_t j = 0; j < lanes; j++) {
        gathered[j] = mask[(i + j) * mask_stride];
    }
    return score + load16(gathered);
}

/// Turns one row of `count` products into exponentials below a maximum that is carried from block to block. Returns the
/// factor by which what was summed before shrinks.
static float exponentials_of_scores(
    ptrdiff_t count, float *scores, float scale, const float *mask, ptrdiff_t mask_stride, float *maximum,
    double *total) {
    const float nothing = mw_float_of(0xff800000u);
    mw_f32x16 greatest = splat(nothing);
    ptrdiff_t i = 0;
    for (; i + 16 <= count; i += 16) {
        const mw_f32x16 score = masked_score(load16(scores + i), scale, mask, mask_stride, i, 16);
        store16(scores + i, score);
        greatest = greater_of(score, greatest);
    }
    if (i < count) {
        const mw_f32x16 product = load_first(scores + i, count - i, 0);
        store_first(scores + i, masked_score(product, scale, mask, mask_stride, i, count - i), count - i);
        greatest = greater_of(load_first(scores + i, count - i, nothing), greatest);
    }
    const float block = greatest_of_lanes(greatest);
    const float next = block > *maximum ? block : *maximum;
    // Before any key that is not masked, -inf - -inf must not become NaN: unless a score is NaN, the terms are all 0.
    const float shift = next == nothing ? 0 : next;
    mw_f32x16 sum = splat(0);
    for (i = 0; i + 16 <= count; i += 16) {
        const mw_f32x16 term = exp_of_nonpositive(load16(scores + i) - splat(shift));
        sum += term;
        store16(scores + i, term);
    }
    if (i < count) {
        const mw_f32x16 rest = load_first(scores + i, count - i, nothing);
        const mw_f32x16 term = exp_of_nonpositive(rest - splat(shift));
        sum += term;
        store_first(scores + i, term, count - i);
    }
    const mw_f32x16 shrink = exp_of_nonpositive(splat(*maximum) - splat(shift));
    *total = *total * (double)shrink[0] + (double)total_of_lanes(sum);
    *maximum = next;
    return shrink[0];
}

static void scale_output_row(ptrdiff_t count, float *out, float factor) {
    ptrdiff_t i = 0;
    for (; i + 16 <= count; i += 16) {
        store16(out + i, load16(out + i) * splat(factor));
    }
    if (i < count) {
        store_first(out + i, load_first(out + i, count - i, 0) * splat(factor), count - i);
    }
}

/// Whether all numbers of a row are finite.
static bool is_finite_row(ptrdiff_t width, const float *row) {
    uint32_t found = 0;
    for (ptrdiff_t i = 0; i < width; i++) {
        found |= (uint32_t)((mw_bits_of(row[i]) & 0x7f800000u) == 0x7f800000u);
    }
    return !found;
}

/// The first of the rows of values `row..<end` that holds NaN or an infinity; the end where none does.
static ptrdiff_t first_row_not_finite(const mw_attention *of, const float *values, ptrdiff_t row, ptrdiff_t end) {
    for (; row < end; row++) {
        if (!is_finite_row(of->value_width, values + row * of->value_strides[2])) {
            return row;
        }
    }
    return end;
}

/// Adds to the block's results the values `key..<key + columns` in a causal block of which some values that not every
/// query sees are no finite numbers: as a product they would reach all queries, 0 times NaN. The product is that of
/// finite values, with the same bits for queries that see no others, and the rest is added to whom sees it.
static __attribute__((noinline, cold)) bool add_values_not_finite(
    const mw_attention *of, ptrdiff_t begin, ptrdiff_t rows, ptrdiff_t key, ptrdiff_t columns, ptrdiff_t first,
    const float *scores, const float *values, float *out) {
    const ptrdiff_t width = of->value_width;
    const size_t bytes = (size_t)columns * (size_t)width * sizeof(float);
    float *finite = mw_storage_allocate(bytes);
    if (finite == NULL) {
        return false;
    }
    for (ptrdiff_t j = 0; j < columns; j++) {
        const float *line = values + (key + j) * of->value_strides[2];
        for (ptrdiff_t i = 0; i < width; i++) {
            const bool is_left_out = key + j >= first && line[i] - line[i] != 0;
            finite[j * width + i] = is_left_out ? 0 : line[i];
        }
    }
    MW_KERNEL(gemm_f32)(
        rows, width, columns, scores, MW_ATTENTION_KEYS, 1, finite, width, 1, out, width, key > 0, 1);
    mw_storage_release(finite, bytes);
    for (ptrdiff_t j = first - key; j < columns; j++) {
        const float *line = values + (key + j) * of->value_strides[2];
        const ptrdiff_t from = key + j > begin ? key + j - begin : 0;
        for (ptrdiff_t row = from; row < rows; row++) {
            for (ptrdiff_t i = 0; i < width; i++) {
                if (line[i] - line[i] != 0) {
                    out[row * width + i] += scores[row * MW_ATTENTION_KEYS + j] * line[i];
                }
            }
        }
    }
    return true;
}

/// One block of queries of one head. Unless it `keeps_hidden_values_away`, values that are no finite numbers may reach queries
/// that do not see them; returns whether they did. Inlined twice, both would be slower by a hundredth.
static __attribute__((noinline)) bool attend(attention_call *call, ptrdiff_t index, bool keeps_hidden_values_away) {
    const mw_attention *of = call->of;
    const ptrdiff_t begin = index % call->query_blocks * MW_ATTENTION_QUERIES;
    const ptrdiff_t rows =
        of->queries - begin < MW_ATTENTION_QUERIES ? of->queries - begin : MW_ATTENTION_QUERIES;
    const ptrdiff_t head = index / call->query_blocks % of->heads;
    const ptrdiff_t image = index / (call->query_blocks * of->heads);
    const ptrdiff_t key_head = head / (of->heads / of->key_heads);
    const float *queries = call->queries + image * of->query_strides[0] + head * of->query_strides[1] +
                           begin * of->query_strides[2];
    const float *keys = call->keys + image * of->key_strides[0] + key_head * of->key_strides[1];
    const float *values = call->values + image * of->value_strides[0] + key_head * of->value_strides[1];
    float *out = call->out + ((image * of->heads + head) * of->queries + begin) * of->value_width;

    const size_t bytes = MW_ATTENTION_QUERIES * MW_ATTENTION_KEYS * sizeof(float);
    float *scores = mw_storage_allocate(bytes);
    if (scores == NULL) {
        atomic_store_explicit(&call->is_out_of_memory, true, memory_order_relaxed);
        return false;
    }
    float maxima[MW_ATTENTION_QUERIES];
    double totals[MW_ATTENTION_QUERIES];
    for (ptrdiff_t row = 0; row < rows; row++) {
        maxima[row] = mw_float_of(0xff800000u);
        totals[row] = 0;
    }
    const ptrdiff_t seen = of->is_causal && begin + rows < of->keys ? begin + rows : of->keys;
    for (ptrdiff_t key = 0; key < seen; key += MW_ATTENTION_KEYS) {
        const ptrdiff_t columns = seen - key < MW_ATTENTION_KEYS ? seen - key : MW_ATTENTION_KEYS;
        MW_KERNEL(gemm_f32)(
            rows, columns, of->width, queries, of->query_strides[2], 1, keys + key * of->key_strides[2], 1,
            of->key_strides[2], scores, MW_ATTENTION_KEYS, false, 1);
        for (ptrdiff_t row = 0; row < rows; row++) {
            float *line = scores + row * MW_ATTENTION_KEYS;
            ptrdiff_t visible = columns;
            if (of->is_causal) {
                const ptrdiff_t until = begin + row + 1 - key;
                visible = until < 0 ? 0 : until < columns ? until : columns;
                memset(line + visible, 0, (size_t)(columns - visible) * sizeof(float));
            }
            const float *mask = call->mask == NULL
                                    ? NULL
                                    : call->mask + image * of->mask_strides[0] + head * of->mask_strides[1] +
                                          (begin + row) * of->mask_strides[2] + key * of->mask_strides[3];
            const float shrink = exponentials_of_scores(
                visible, line, of->scale, mask, of->mask_strides[3], &maxima[row], &totals[row]);
            if (key > 0 && shrink != 1) {
                scale_output_row(of->value_width, out + row * of->value_width, shrink);
            }
        }
        // From here on not every query sees the values.
        const ptrdiff_t hidden = begin + 1 > key ? begin + 1 : key;
        const ptrdiff_t first =
            keeps_hidden_values_away ? first_row_not_finite(of, values, hidden, key + columns) : key + columns;
        if (first < key + columns) {
            if (!add_values_not_finite(of, begin, rows, key, columns, first, scores, values, out)) {
                atomic_store_explicit(&call->is_out_of_memory, true, memory_order_relaxed);
                break;
            }
            continue;
        }
        MW_KERNEL(gemm_f32)(
            rows, of->value_width, columns, scores, MW_ATTENTION_KEYS, 1, values + key * of->value_strides[2],
            of->value_strides[2], 1, out, of->value_width, key > 0, 1);
    }
    for (ptrdiff_t row = 0; row < rows; row++) {
        if (seen == 0) {
            memset(out + row * of->value_width, 0, (size_t)of->value_width * sizeof(float));
        }
        // Without a term this is +inf, and the zeros that it scales become NaN.
        scale_output_row(of->value_width, out + row * of->value_width, (float)(1.0 / totals[row]));
    }
    mw_storage_release(scores, bytes);
    // The first query sees none of them, and 0 times each is in its result.
    return of->is_causal && !keeps_hidden_values_away && seen > 0 && !is_finite_row(of->value_width, out) &&
           first_row_not_finite(of, values, begin + 1, seen) < seen;
}

static void attend_block(void *context, ptrdiff_t index) {
    if (attend(context, index, false)) {
        attend(context, index, true);
    }
}

bool MW_KERNEL(attention_f32)(
    const mw_attention *of, float *out, const float *queries, const float *keys, const float *values,
    const float *mask) {
    attention_call call = {
        .of = of, .out = out, .queries = queries, .keys = keys, .values = values, .mask = mask,
        .query_blocks = (of->queries + MW_ATTENTION_QUERIES - 1) / MW_ATTENTION_QUERIES};
    if (of->value_width == 0) {
        return true;
    }
    const ptrdiff_t blocks = of->batch * of->heads * call.query_blocks;
    // Less work than a wake-up is worth stays here.
    const bool is_small = of->queries * of->keys * (of->width + of->value_width) * of->heads * of->batch < 1 << 21;
    mw_parallel_for(blocks, is_small ? 1 : 0, attend_block, &call);
    return !atomic_load_explicit(&call.is_out_of_memory, memory_order_relaxed);
}
