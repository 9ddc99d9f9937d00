// Windows of one element type, of one path. Included once for each, with these defined:
//
//   MW_POOL(name)      name of this type's version of a function
//   MW_POOL_ELEMENT    the type in memory
//   MW_POOL_VALUE      the type that is computed in
//   MW_POOL_LOAD(x), MW_POOL_STORE(x)
//   MW_POOL_LOWEST     the maximum of nothing
//   MW_POOL_IS_NAN(x)
//
// Neighbouring windows are computed side by side in a strip: places along the width where channels come first, channels
// where they come last. A strip's elements for one tap are `stride` apart in the input.

/// Combines `count` elements of one tap with a strip.
#define MW_POOL_COMBINE(stride)                                                                                       \
    MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                             \
        const MW_POOL_VALUE x = MW_POOL_LOAD(a[i * (stride)]);                                                         \
        strip[i] = is_maximum ? (x > strip[i] || MW_POOL_IS_NAN(x) ? x : strip[i]) : (MW_POOL_VALUE)(strip[i] + x);                                \
    }

static void MW_POOL(combine)(
    bool is_maximum, ptrdiff_t count, MW_POOL_VALUE *strip, const MW_POOL_ELEMENT *a, ptrdiff_t stride) {
    // Constants that the compiler knows let it load a vector and shuffle.
    if (is_maximum) {
        const bool is_maximum = true;
        if (stride == 1) {
            MW_POOL_COMBINE(1)
        } else if (stride == 2) {
            MW_POOL_COMBINE(2)
        } else {
            MW_POOL_COMBINE(stride)
        }
    } else {
        const bool is_maximum = false;
        if (stride == 1) {
            MW_POOL_COMBINE(1)
        } else if (stride == 2) {
            MW_POOL_COMBINE(2)
        } else {
            MW_POOL_COMBINE(stride)
        }
    }
}

#undef MW_POOL_COMBINE

static void MW_POOL(combine_indices)(
    ptrdiff_t count, MW_POOL_VALUE *strip, int32_t *indices, const MW_POOL_ELEMENT *a, ptrdiff_t stride,
    ptrdiff_t index, ptrdiff_t index_step) {
    for (ptrdiff_t i = 0; i < count; i++) {
        const MW_POOL_VALUE x = MW_POOL_LOAD(a[i * stride]);
        const bool is_better = indices[i] < 0 || x > strip[i] || (MW_POOL_IS_NAN(x) && !MW_POOL_IS_NAN(strip[i]));
        strip[i] = is_better ? x : strip[i];
        indices[i] = is_better ? (int32_t)(index + i * index_step) : indices[i];
    }
}

/// The windows of one strip, which begins at place `column` or channel `channel`: `count` of them.
static void MW_POOL(strip)(
    const mw_pooling_job *job, ptrdiff_t image, ptrdiff_t depth, ptrdiff_t row, ptrdiff_t column, ptrdiff_t channel,
    ptrdiff_t count, MW_POOL_ELEMENT *out, int32_t *out_indices) {
    const mw_pooling *of = job->of;
    const mw_pooling_axis *axes = of->axes;
    const bool is_maximum = job->operation == MW_POOL_MAXIMUM;
    MW_POOL_VALUE values[MW_POOL_STRIP];
    int32_t indices[MW_POOL_STRIP];
    for (ptrdiff_t i = 0; i < count; i++) {
        values[i] = is_maximum ? MW_POOL_LOWEST : 0;
        indices[i] = -1;
    }
    const MW_POOL_ELEMENT *base =
        (const MW_POOL_ELEMENT *)job->a + image * of->in_strides[0] + channel * of->in_strides[1];
    const ptrdiff_t step =
        of->is_channels_last ? of->in_strides[1] : axes[2].stride * of->in_strides[4];
    for (ptrdiff_t i = 0; i < axes[0].kernel; i++) {
        const ptrdiff_t z = depth * axes[0].stride - axes[0].padding + i * axes[0].dilation;
        if (z < 0 || z >= axes[0].in) {
            continue;
        }
        for (ptrdiff_t j = 0; j < axes[1].kernel; j++) {
            const ptrdiff_t y = row * axes[1].stride - axes[1].padding + j * axes[1].dilation;
            if (y < 0 || y >= axes[1].in) {
                continue;
            }
            for (ptrdiff_t k = 0; k < axes[2].kernel; k++) {
                const ptrdiff_t x = column * axes[2].stride - axes[2].padding + k * axes[2].dilation;
                // The windows of the strip whose tap lies inside the input.
                ptrdiff_t first = 0, last = count;
                if (of->is_channels_last) {
                    if (x < 0 || x >= axes[2].in) {
                        continue;
                    }
                } else {
                    first = x < 0 ? (-x + axes[2].stride - 1) / axes[2].stride : 0;
                    last = x >= axes[2].in ? 0 : (axes[2].in - 1 - x) / axes[2].stride + 1;
                    last = last < count ? last : count;
                }
                if (first >= last) {
                    continue;
                }
                const MW_POOL_ELEMENT *a =
                    base + z * of->in_strides[2] + y * of->in_strides[3] + x * of->in_strides[4] + first * step;
                if (out_indices != NULL) {
                    const ptrdiff_t index_step = of->is_channels_last ? 0 : axes[2].stride;
                    MW_POOL(combine_indices)(
                        last - first, values + first, indices + first, a, step,
                        (z * axes[1].in + y) * axes[2].in + x + first * index_step, index_step);
                } else {
                    MW_POOL(combine)(is_maximum, last - first, values + first, a, step);
                }
            }
        }
    }
    if (out_indices != NULL) {
        memcpy(out_indices, indices, (size_t)count * sizeof(int32_t));
        return;
    }
    if (!is_maximum) {
        const ptrdiff_t rows = mw_pooling_count(&axes[0], depth, job) * mw_pooling_count(&axes[1], row, job);
        if (of->is_channels_last || mw_pooling_counts_are_equal(&axes[2], job)) {
            const MW_POOL_VALUE elements = (MW_POOL_VALUE)(rows * mw_pooling_count(&axes[2], column, job));
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
                values[i] /= elements;
            }
        } else {
            for (ptrdiff_t i = 0; i < count; i++) {
                values[i] /= (MW_POOL_VALUE)(rows * mw_pooling_count(&axes[2], column + i, job));
            }
        }
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        out[i] = (MW_POOL_ELEMENT)MW_POOL_STORE(values[i]);
    }
}

static void MW_POOL(row)(void *context, ptrdiff_t index) {
    const mw_pooling_job *job = context;
    const mw_pooling *of = job->of;
    const ptrdiff_t height = of->axes[1].out, depths = of->axes[0].out, width = of->axes[2].out;
    const ptrdiff_t end = index * job->rows_in_chunk + job->rows_in_chunk;
    for (ptrdiff_t at = index * job->rows_in_chunk; at < end && at < job->rows; at++) {
        const ptrdiff_t row = at % height, depth = at / height % depths;
        const ptrdiff_t channel = of->is_channels_last ? 0 : at / (height * depths) % of->channels;
        const ptrdiff_t image = at / (height * depths * (of->is_channels_last ? 1 : of->channels));
        const ptrdiff_t size = of->is_channels_last ? of->channels * width : width;
        MW_POOL_ELEMENT *out = job->out == NULL ? NULL : (MW_POOL_ELEMENT *)job->out + at * size;
        int32_t *indices = job->indices == NULL ? NULL : job->indices + at * size;
        const ptrdiff_t strip_end = of->is_channels_last ? of->channels : width;
        for (ptrdiff_t column = 0; column < (of->is_channels_last ? width : 1); column++) {
            for (ptrdiff_t i = 0; i < strip_end; i += MW_POOL_STRIP) {
                const ptrdiff_t count = strip_end - i < MW_POOL_STRIP ? strip_end - i : MW_POOL_STRIP;
                const ptrdiff_t offset = of->is_channels_last ? column * of->channels + i : i;
                MW_POOL(strip)(
                    job, image, depth, row, of->is_channels_last ? column : i,
                    of->is_channels_last ? i : channel, count, out == NULL ? NULL : out + offset,
                    indices == NULL ? NULL : indices + offset);
            }
        }
    }
}

#undef MW_POOL
#undef MW_POOL_ELEMENT
#undef MW_POOL_VALUE
#undef MW_POOL_LOAD
#undef MW_POOL_STORE
#undef MW_POOL_LOWEST
#undef MW_POOL_IS_NAN
