// Convolutions of f64, place by place. The same for every path.
#ifndef MESHWORK_CONVOLUTION_F64_H
#define MESHWORK_CONVOLUTION_F64_H

#include "convolution_plan.h"

typedef struct mw_convolution_f64 {
    const mw_convolution *of;
    double *out;
    const double *a;
    const double *weights;
} mw_convolution_f64;

/// One row of the result in one channel.
static void mw_convolve_row_f64(void *context, ptrdiff_t index) {
    const mw_convolution_f64 *call = context;
    const mw_convolution *of = call->of;
    const mw_convolution_axis *axes = of->axes;
    const ptrdiff_t channels = of->groups * of->out_channels;
    const ptrdiff_t row = index % axes[1].out;
    const ptrdiff_t depth = index / axes[1].out % axes[0].out;
    const ptrdiff_t channel = index / (axes[1].out * axes[0].out) % channels;
    const ptrdiff_t image = index / (axes[1].out * axes[0].out * channels);
    const ptrdiff_t group = channel / of->out_channels;
    const ptrdiff_t *strides = of->in_strides, *weight_strides = of->weight_strides;
    for (ptrdiff_t column = 0; column < axes[2].out; column++) {
        double sum = 0;
        for (ptrdiff_t i = 0; i < axes[0].kernel; i++) {
            const ptrdiff_t from_depth = mw_convolution_source(&axes[0], depth, i);
            for (ptrdiff_t j = 0; j < axes[1].kernel && from_depth >= 0; j++) {
                const ptrdiff_t from_row = mw_convolution_source(&axes[1], row, j);
                for (ptrdiff_t k = 0; k < axes[2].kernel && from_row >= 0; k++) {
                    const ptrdiff_t from_column = mw_convolution_source(&axes[2], column, k);
                    if (from_column < 0) {
                        continue;
                    }
                    const double *x = call->a + image * strides[0] + group * of->in_channels * strides[1] +
                                      from_depth * strides[2] + from_row * strides[3] + from_column * strides[4];
                    const double *w = call->weights + group * weight_strides[0] +
                                      channel % of->out_channels * weight_strides[1] + i * weight_strides[3] +
                                      j * weight_strides[4] + k * weight_strides[5];
                    for (ptrdiff_t c = 0; c < of->in_channels; c++) {
                        sum += x[c * strides[1]] * w[c * weight_strides[2]];
                    }
                }
            }
        }
        const ptrdiff_t place = (depth * axes[1].out + row) * axes[2].out + column;
        const ptrdiff_t places = axes[0].out * axes[1].out * axes[2].out;
        call->out[of->is_channels_last ? (image * places + place) * channels + channel
                                       : (image * channels + channel) * places + place] = sum;
    }
}

static void mw_convolve_f64(const mw_convolution *of, double *out, const double *a, const double *weights) {
    mw_convolution_f64 call = {.of = of, .out = out, .a = a, .weights = weights};
    const ptrdiff_t rows = of->batch * of->groups * of->out_channels * of->axes[0].out * of->axes[1].out;
    mw_parallel_for(rows, 0, mw_convolve_row_f64, &call);
}

#endif
