// What a convolution's tiles read: the weights in panels, and a few padded rows of the input. Of one path; included once
// by its file, after convolution_tile.h.

/// Packs one panel: the weights of up to MW_TILE_COLUMNS output channels of a group, tap by tap and input channel by input
/// channel, output channels side by side and filled up with zeros.
static void pack_weight_panel(const mw_convolution_plan *plan, const char *weights, ptrdiff_t index) {
    const mw_convolution *of = plan->of;
    const ptrdiff_t group = index / plan->panels;
    const ptrdiff_t first = index % plan->panels * MW_TILE_COLUMNS;
    const ptrdiff_t columns =
        of->out_channels - first < MW_TILE_COLUMNS ? of->out_channels - first : MW_TILE_COLUMNS;
    float *panel = plan->packed + index * plan->panel_rows * MW_TILE_COLUMNS;
    const ptrdiff_t *strides = of->weight_strides;
    const ptrdiff_t kernel[3] = {of->axes[0].kernel, of->axes[1].kernel, of->axes[2].kernel};
    const ptrdiff_t taps = kernel[0] * kernel[1] * kernel[2];
    const ptrdiff_t base = group * strides[0] + first * strides[1];
    if (columns < MW_TILE_COLUMNS) {
        memset(panel, 0, (size_t)(plan->panel_rows * MW_TILE_COLUMNS) * sizeof(float));
    }
    if (plan->dtype == MW_DTYPE_F32 && strides[5] == 1 && strides[4] == kernel[2] &&
        strides[3] == kernel[1] * kernel[2] && strides[2] == taps) {
        // An output channel's weights follow each other, [input channel][tap]: transposed in squares, their rows change
        // places on the way.
        const float *source = (const float *)weights + base;
        for (ptrdiff_t column = 0; column < columns; column += 16) {
            const ptrdiff_t width = columns - column < 16 ? columns - column : 16;
            ptrdiff_t tap = 0, channel = 0;
            for (ptrdiff_t row = 0; row < plan->panel_rows; row += 16) {
                const ptrdiff_t height = plan->panel_rows - row < 16 ? plan->panel_rows - row : 16;
                mw_f32x16 block[16];
                for (int i = 0; i < 16; i++) {
                    block[i] =
                        i < width ? load_first(source + (column + i) * strides[1] + row, height, 0) : splat(0);
                }
                transpose16(block);
                const ptrdiff_t room = MW_TILE_COLUMNS - column < 16 ? MW_TILE_COLUMNS - column : 16;
                for (int i = 0; i < 16 && i < height; i++) {
                    store_first(panel + (tap * of->in_channels + channel) * MW_TILE_COLUMNS + column, block[i], room);
                    tap++;
                    if (tap == taps) {
                        tap = 0;
                        channel++;
                    }
                }
            }
        }
        return;
    }
    for (ptrdiff_t depth = 0; depth < kernel[0]; depth++) {
        for (ptrdiff_t row = 0; row < kernel[1]; row++) {
            for (ptrdiff_t tap = 0; tap < kernel[2]; tap++) {
                const ptrdiff_t offset = base + depth * strides[3] + row * strides[4] + tap * strides[5];
                for (ptrdiff_t channel = 0; channel < of->in_channels; channel++) {
                    for (ptrdiff_t column = 0; column < columns; column++) {
                        panel[column] = mw_convolution_element(
                            plan->dtype, weights, offset + column * strides[1] + channel * strides[2]);
                    }
                    panel += MW_TILE_COLUMNS;
                }
            }
        }
    }
}

/// Packs a depthwise convolution's weights: tap by tap, all channels of the result side by side.
static void pack_depthwise_weights(const mw_convolution_plan *plan, const char *weights) {
    const mw_convolution *of = plan->of;
    const ptrdiff_t *strides = of->weight_strides;
    float *packed = plan->packed;
    for (ptrdiff_t depth = 0; depth < of->axes[0].kernel; depth++) {
        for (ptrdiff_t row = 0; row < of->axes[1].kernel; row++) {
            for (ptrdiff_t tap = 0; tap < of->axes[2].kernel; tap++) {
                const ptrdiff_t offset = depth * strides[3] + row * strides[4] + tap * strides[5];
                for (ptrdiff_t group = 0; group < of->groups; group++) {
                    for (ptrdiff_t channel = 0; channel < of->out_channels; channel++) {
                        *packed++ = mw_convolution_element(
                            plan->dtype, weights, offset + group * strides[0] + channel * strides[1]);
                    }
                }
            }
        }
    }
}

/// One row of the input as pixels of all channels, from column plan->row_begin on, with zeros outside the input.
static void pad_row(const mw_convolution_plan *plan, float *out, ptrdiff_t a_offset) {
    const mw_convolution *of = plan->of;
    const ptrdiff_t begin = plan->row_begin > 0 ? plan->row_begin : 0;
    const ptrdiff_t row_end = plan->row_begin + plan->row_width;
    const ptrdiff_t end = row_end < of->axes[2].in ? row_end : of->axes[2].in;
    const ptrdiff_t pixel = plan->pixel;
    const ptrdiff_t channel_stride = of->in_strides[1], width_stride = of->in_strides[4];
    const ptrdiff_t channels = of->groups * of->in_channels;
    if (end <= begin || channels == 0) {
        memset(out, 0, (size_t)(plan->row_width * pixel) * sizeof(float));
        return;
    }
    memset(out, 0, (size_t)((begin - plan->row_begin) * pixel) * sizeof(float));
    memset(out + (end - plan->row_begin) * pixel, 0, (size_t)((row_end - end) * pixel) * sizeof(float));
    out += (begin - plan->row_begin) * pixel;
    const ptrdiff_t source = a_offset + begin * width_stride;
    const ptrdiff_t repeats = pixel / channels;
    if (repeats == 1 && width_stride == pixel && (channel_stride == 1 || channels == 1)) {
        if (plan->dtype == MW_DTYPE_F32) {
            memcpy(out, (const float *)plan->a + source, (size_t)((end - begin) * pixel) * sizeof(float));
        } else {
            mw_widen(plan->dtype, (end - begin) * pixel, out, (const uint16_t *)plan->a + source, 1);
        }
    } else if (repeats == 1 && width_stride == 1 && plan->dtype == MW_DTYPE_F32 && channels < 6) {
        // Most of a square of sixteen would be empty.
        for (ptrdiff_t channel = 0; channel < channels; channel++) {
            const float *a = (const float *)plan->a + source + channel * channel_stride;
            for (ptrdiff_t column = 0; column < end - begin; column++) {
                out[column * pixel + channel] = a[column];
            }
        }
    } else if (repeats == 1 && width_stride == 1 && plan->dtype == MW_DTYPE_F32) {
        transpose_block(channels, end - begin, out, pixel, (const float *)plan->a + source, channel_stride);
    } else {
        for (ptrdiff_t column = 0; column < end - begin; column++) {
            for (ptrdiff_t channel = 0; channel < channels; channel++) {
                const float value = mw_convolution_element(
                    plan->dtype, plan->a, source + column * width_stride + channel * channel_stride);
                for (ptrdiff_t repeat = 0; repeat < repeats; repeat++) {
                    *out++ = value;
                }
            }
        }
    }
}

/// One row of the input as rows of each channel, from column plan->row_begin on, with zeros outside the input.
static void pad_row_planar(const mw_convolution_plan *plan, float *out, ptrdiff_t a_offset) {
    const mw_convolution *of = plan->of;
    const ptrdiff_t begin = plan->row_begin > 0 ? plan->row_begin : 0;
    const ptrdiff_t row_end = plan->row_begin + plan->row_width;
    const ptrdiff_t inside = row_end < of->axes[2].in ? row_end : of->axes[2].in;
    const ptrdiff_t end = inside > begin ? inside : begin;
    const ptrdiff_t before = begin - plan->row_begin < plan->row_width ? begin - plan->row_begin : plan->row_width;
    const ptrdiff_t after = plan->row_width - before - (end - begin);
    for (ptrdiff_t channel = 0; channel < of->in_channels; channel++) {
        const float *a = (const float *)plan->a + a_offset + channel * of->in_strides[1] + begin;
        memset(out, 0, (size_t)before * sizeof(float));
        memcpy(out + before, a, (size_t)(end - begin) * sizeof(float));
        memset(out + before + (end - begin), 0, (size_t)after * sizeof(float));
        out += plan->row_width;
    }
}
