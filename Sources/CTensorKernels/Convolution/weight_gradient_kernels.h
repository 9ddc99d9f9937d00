// The gradient of a convolution's weights, of one path. Included once by each path's file.

/// One tap of one group: [in channels, out channels] is the sum over the result's rows of a product
/// [in channels, places] · [places, out channels].
typedef struct weight_gradient {
    const mw_convolution *of;
    float *out;
    const float *a;
    const float *upstream;
    _Atomic bool is_out_of_memory;
} weight_gradient;

static void weight_gradient_of_tap(void *context, ptrdiff_t index) {
    weight_gradient *call = context;
    const mw_convolution *of = call->of;
    const mw_convolution_axis *axes = of->axes;
    const ptrdiff_t *strides = of->in_strides, *weight_strides = of->weight_strides;
    const ptrdiff_t tap[3] = {
        index / (axes[2].kernel * axes[1].kernel) % axes[0].kernel, index / axes[2].kernel % axes[1].kernel,
        index % axes[2].kernel};
    const ptrdiff_t group = index / (axes[2].kernel * axes[1].kernel * axes[0].kernel);
    const ptrdiff_t channels = of->groups * of->out_channels;
    const size_t bytes = (size_t)(of->in_channels * of->out_channels) * sizeof(float);
    float *sum = mw_storage_allocate(bytes);
    if (sum == NULL) {
        atomic_store_explicit(&call->is_out_of_memory, true, memory_order_relaxed);
        return;
    }
    // Places whose tap lies inside the input: from the first to the one after the last.
    ptrdiff_t first = 0, last = axes[2].out;
    while (first < last && mw_convolution_source(&axes[2], first, tap[2]) < 0) {
        first++;
    }
    while (last > first && mw_convolution_source(&axes[2], last - 1, tap[2]) < 0) {
        last--;
    }
    memset(sum, 0, bytes);
    for (ptrdiff_t row = 0; row < of->batch * axes[0].out * axes[1].out && first < last; row++) {
        const ptrdiff_t image = row / (axes[0].out * axes[1].out);
        const ptrdiff_t depth = mw_convolution_source(&axes[0], row / axes[1].out % axes[0].out, tap[0]);
        const ptrdiff_t height = mw_convolution_source(&axes[1], row % axes[1].out, tap[1]);
        if (depth < 0 || height < 0) {
            continue;
        }
        const float *a = call->a + image * strides[0] + group * of->in_channels * strides[1] + depth * strides[2] +
                         height * strides[3] + mw_convolution_source(&axes[2], first, tap[2]) * strides[4];
        MW_KERNEL(gemm_f32)(
            of->in_channels, of->out_channels, last - first, a, strides[1], axes[2].multiply * strides[4],
            call->upstream + (row * axes[2].out + first) * channels + group * of->out_channels, channels, 1, sum,
            of->out_channels, true, 1);
    }
    float *out = call->out + group * weight_strides[0] + tap[0] * weight_strides[3] + tap[1] * weight_strides[4] +
                 tap[2] * weight_strides[5];
    for (ptrdiff_t i = 0; i < of->in_channels; i++) {
        for (ptrdiff_t j = 0; j < of->out_channels; j++) {
            out[j * weight_strides[1] + i * weight_strides[2]] = sum[i * of->out_channels + j];
        }
    }
    mw_storage_release(sum, bytes);
}

bool MW_KERNEL(convolution_weight_gradient_f32)(
    const mw_convolution *of, float *out, const float *a, const float *upstream) {
    weight_gradient call = {.of = of, .out = out, .a = a, .upstream = upstream};
    mw_parallel_for(
        of->groups * of->axes[0].kernel * of->axes[1].kernel * of->axes[2].kernel, 0, weight_gradient_of_tap, &call);
    return !atomic_load_explicit(&call.is_out_of_memory, memory_order_relaxed);
}
