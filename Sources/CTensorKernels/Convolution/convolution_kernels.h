// The loops of a convolution, of one path. Included once by each path's file; see Dispatch/kernel_body.h and
// convolution_plan.h.

/// What tiles read, for the rows that one piece needs.
typedef struct convolution_source {
    const float *base;
    /// Elements from the rows of one tap along the depth to the next's, from row to row, and from pixel to pixel.
    ptrdiff_t depth_stride, row_stride, pixel_stride;
    /// Where the depths, rows and columns begin that `base` shows; in place, depths count from 0, else taps do.
    ptrdiff_t row_begin, column_begin;
    bool counts_depth_by_tap;
} convolution_source;

/// The runs of the places phase, phase + divisor, … of row `row` at depth `depth`. Returns how many there are.
static ptrdiff_t list_runs(
    const mw_convolution_plan *plan, const convolution_source *source, ptrdiff_t depth, ptrdiff_t row,
    ptrdiff_t phase, mw_convolution_run *runs) {
    const mw_convolution *of = plan->of;
    const mw_convolution_axis *width = &of->axes[2];
    const ptrdiff_t channels = plan->is_depthwise ? 1 : of->in_channels;
    const ptrdiff_t weight_rows = plan->is_depthwise ? plan->pixel : channels * MW_TILE_COLUMNS;
    const bool follow_each_other = width->tap_step == 1 && width->divisor == 1 && of->groups == 1 &&
                                   source->pixel_stride == of->in_channels;
    ptrdiff_t count = 0;
    for (ptrdiff_t i = 0; i < of->axes[0].kernel; i++) {
        const ptrdiff_t from_depth = mw_convolution_source(&of->axes[0], depth, i);
        if (from_depth < 0) {
            continue;
        }
        for (ptrdiff_t j = 0; j < of->axes[1].kernel; j++) {
            const ptrdiff_t from_row = mw_convolution_source(&of->axes[1], row, j);
            if (from_row < 0) {
                continue;
            }
            const ptrdiff_t start = (source->counts_depth_by_tap ? i : from_depth) * source->depth_stride +
                                    (from_row - source->row_begin) * source->row_stride;
            if (plan->is_planar) {
                for (ptrdiff_t channel = 0; channel < channels; channel++) {
                    runs[count++] = (mw_convolution_run){
                        .a_offset = channel * of->weight_strides[2] + i * of->weight_strides[3] +
                                    j * of->weight_strides[4],
                        .b_offset = start + channel * plan->row_width + width->offset - source->column_begin,
                        .depth = width->kernel,
                    };
                }
                continue;
            }
            for (ptrdiff_t k = 0; k < width->kernel; k++) {
                const ptrdiff_t position = phase * width->multiply + width->offset + k * width->tap_step;
                if (position % width->divisor != 0) {
                    continue;
                }
                const ptrdiff_t column = position / width->divisor - source->column_begin;
                runs[count++] = (mw_convolution_run){
                    .a_offset = start + column * source->pixel_stride,
                    .b_offset = ((i * of->axes[1].kernel + j) * width->kernel + k) * weight_rows,
                    .depth = follow_each_other ? width->kernel * channels : channels,
                };
                if (follow_each_other) {
                    break;
                }
            }
        }
    }
    return count;
}

/// Where a block of the result's places goes.
typedef struct convolution_target {
    ptrdiff_t image, depth, row;
    /// The first place of the block, and from each to the next.
    ptrdiff_t column, step;
} convolution_target;

/// The element of the result at the target's first place, in channel `channel` of all groups'.
static ptrdiff_t target_offset(
    const mw_convolution *of, const convolution_target *target, ptrdiff_t channel, ptrdiff_t *place_stride,
    ptrdiff_t *channel_stride) {
    const ptrdiff_t channels = of->groups * of->out_channels;
    const ptrdiff_t height = of->axes[1].out, width = of->axes[2].out;
    if (of->is_channels_last) {
        const ptrdiff_t row = (target->image * of->axes[0].out + target->depth) * height + target->row;
        *place_stride = target->step * channels;
        *channel_stride = 1;
        return (row * width + target->column) * channels + channel;
    }
    *place_stride = target->step;
    *channel_stride = of->axes[0].out * height * width;
    return (target->image * channels + channel) * *channel_stride + (target->depth * height + target->row) * width +
           target->column;
}

/// Moves `places` · `columns` finished sums, MW_TILE_COLUMNS apart, to the result.
static void finish_block(
    const mw_convolution_plan *plan, const convolution_target *target, ptrdiff_t channel, ptrdiff_t places,
    ptrdiff_t columns, const float *sums) {
    ptrdiff_t place_stride, channel_stride;
    const ptrdiff_t offset = target_offset(plan->of, target, channel, &place_stride, &channel_stride);
    if (plan->dtype == MW_DTYPE_F32 && place_stride == 1) {
        transpose_block(places, columns, (float *)plan->out + offset, channel_stride, sums, MW_TILE_COLUMNS);
        return;
    }
    for (ptrdiff_t place = 0; place < places; place++) {
        for (ptrdiff_t column = 0; column < columns; column++) {
            const ptrdiff_t at = offset + place * place_stride + column * channel_stride;
            const float sum = sums[place * MW_TILE_COLUMNS + column];
            if (plan->dtype == MW_DTYPE_F32) {
                ((float *)plan->out)[at] = sum;
            } else {
                ((uint16_t *)plan->out)[at] =
                    plan->dtype == MW_DTYPE_BF16 ? mw_bf16_of_f32(sum) : mw_f16_of_f32(sum);
            }
        }
    }
}

/// All channels of `places` places, in panels of output channels.
static void convolve_places(
    const mw_convolution_plan *plan, const convolution_target *target, ptrdiff_t places,
    const mw_convolution_run *runs, ptrdiff_t run_count, const float *a, ptrdiff_t a_stride) {
    const mw_convolution *of = plan->of;
    const bool writes_sums_in_place = plan->dtype == MW_DTYPE_F32 && of->is_channels_last;
    float sums[MW_CONVOLUTION_PLACES * MW_TILE_COLUMNS];
    for (ptrdiff_t index = 0; index < of->groups * plan->panels; index++) {
        const ptrdiff_t group = index / plan->panels;
        const ptrdiff_t first = index % plan->panels * MW_TILE_COLUMNS;
        const ptrdiff_t columns =
            of->out_channels - first < MW_TILE_COLUMNS ? of->out_channels - first : MW_TILE_COLUMNS;
        const ptrdiff_t channel = group * of->out_channels + first;
        const float *panel = plan->packed + index * plan->panel_rows * MW_TILE_COLUMNS;
        float *c = sums;
        ptrdiff_t c_stride = MW_TILE_COLUMNS;
        if (writes_sums_in_place) {
            ptrdiff_t channel_stride;
            c = (float *)plan->out + target_offset(of, target, channel, &c_stride, &channel_stride);
        }
        for (ptrdiff_t place = 0; place < places; place += MW_TILE_ROWS) {
            const ptrdiff_t count = places - place < MW_TILE_ROWS ? places - place : MW_TILE_ROWS;
            convolve_tile(
                count, columns, runs, run_count, a + group * of->in_channels + place * a_stride, a_stride, panel,
                MW_TILE_COLUMNS, c + place * c_stride, c_stride);
        }
        if (!writes_sums_in_place) {
            finish_block(plan, target, channel, places, columns, sums);
        }
    }
}

/// As convolve_places, with output channels as a tile's rows and places as its columns.
static void convolve_places_planar(
    const mw_convolution_plan *plan, const convolution_target *target, ptrdiff_t places,
    const mw_convolution_run *runs, ptrdiff_t run_count, const float *a) {
    const mw_convolution *of = plan->of;
    ptrdiff_t place_stride, channel_stride;
    float *out = (float *)plan->out + target_offset(of, target, 0, &place_stride, &channel_stride);
    for (ptrdiff_t place = 0; place < places; place += MW_TILE_COLUMNS) {
        const ptrdiff_t columns = places - place < MW_TILE_COLUMNS ? places - place : MW_TILE_COLUMNS;
        for (ptrdiff_t channel = 0; channel < of->out_channels; channel += MW_TILE_ROWS) {
            const ptrdiff_t rest = of->out_channels - channel;
            convolve_tile(
                rest < MW_TILE_ROWS ? rest : MW_TILE_ROWS, columns, runs, run_count,
                plan->weights + channel * of->weight_strides[1], of->weight_strides[1], a + place,
                of->axes[2].tap_step, out + channel * channel_stride + place, channel_stride);
        }
    }
}

/// As convolve_places, for one input channel in each group: sixteen channels side by side, four places at a time.
static void convolve_places_depthwise(
    const mw_convolution_plan *plan, const convolution_target *target, ptrdiff_t places,
    const mw_convolution_run *runs, ptrdiff_t run_count, const float *a, ptrdiff_t a_stride) {
    float sums[MW_CONVOLUTION_PLACES * MW_TILE_COLUMNS];
    const bool writes_sums_in_place = plan->dtype == MW_DTYPE_F32 && plan->of->is_channels_last;
    for (ptrdiff_t channel = 0; channel < plan->pixel; channel += MW_TILE_COLUMNS) {
        const ptrdiff_t end =
            plan->pixel - channel < MW_TILE_COLUMNS ? plan->pixel : channel + MW_TILE_COLUMNS;
        float *c = sums;
        ptrdiff_t c_stride = MW_TILE_COLUMNS;
        if (writes_sums_in_place) {
            ptrdiff_t channel_stride;
            c = (float *)plan->out + target_offset(plan->of, target, channel, &c_stride, &channel_stride);
        }
        for (ptrdiff_t lane = channel; lane < end; lane += 16) {
            const ptrdiff_t lanes = end - lane < 16 ? end - lane : 16;
            ptrdiff_t place = 0;
            for (; place + 4 <= places; place += 4) {
                mw_f32x16 sum[4] = {splat(0), splat(0), splat(0), splat(0)};
                for (ptrdiff_t run = 0; run < run_count; run++) {
                    const float *x = a + runs[run].a_offset + lane + place * a_stride;
                    const mw_f32x16 w = load_first(plan->packed + runs[run].b_offset + lane, lanes, 0);
#pragma clang loop unroll(full)
                    for (int i = 0; i < 4; i++) {
                        sum[i] = fma16(load_first(x + i * a_stride, lanes, 0), w, sum[i]);
                    }
                }
                for (int i = 0; i < 4; i++) {
                    store_first(c + (place + i) * c_stride + (lane - channel), sum[i], lanes);
                }
            }
            for (; place < places; place++) {
                mw_f32x16 sum = splat(0);
                for (ptrdiff_t run = 0; run < run_count; run++) {
                    const mw_f32x16 w = load_first(plan->packed + runs[run].b_offset + lane, lanes, 0);
                    sum = fma16(load_first(a + runs[run].a_offset + lane + place * a_stride, lanes, 0), w, sum);
                }
                store_first(c + place * c_stride + (lane - channel), sum, lanes);
            }
        }
        if (!writes_sums_in_place) {
            finish_block(plan, target, channel, places, end - channel, sums);
        }
    }
}

/// One piece: `band` rows of one depth of one image.
static void convolve_piece(void *context, ptrdiff_t piece) {
    mw_convolution_plan *plan = context;
    const mw_convolution *of = plan->of;
    const mw_convolution_axis *deep = &of->axes[0], *high = &of->axes[1], *wide = &of->axes[2];
    convolution_target target = {.image = piece / (plan->bands * deep->out), .step = wide->divisor};
    target.depth = piece / plan->bands % deep->out;
    const ptrdiff_t begin = piece % plan->bands * plan->band;
    const ptrdiff_t end = high->out - begin < plan->band ? high->out : begin + plan->band;

    const ptrdiff_t image = target.image * of->in_strides[0];
    convolution_source source = {
        .base = (const float *)plan->a + image,
        .depth_stride = of->in_strides[2],
        .row_stride = of->in_strides[3],
        .pixel_stride = of->in_strides[4],
    };
    ptrdiff_t least, greatest;
    mw_convolution_reach(high, begin, end - 1, &least, &greatest);
    least = least > 0 ? least : 0;
    greatest = greatest < high->in ? greatest : high->in - 1;
    const ptrdiff_t rows = greatest >= least ? greatest - least + 1 : 0;
    const ptrdiff_t row_size = plan->row_width * plan->pixel;
    // The runs lie before the padded rows, which begin on a cache line.
    const ptrdiff_t most_runs = deep->kernel * high->kernel * (plan->is_planar ? of->in_channels : wide->kernel);
    const size_t run_bytes =
        ((size_t)most_runs * sizeof(mw_convolution_run) + MW_STORAGE_ALIGNMENT - 1) / MW_STORAGE_ALIGNMENT *
        MW_STORAGE_ALIGNMENT;
    // A tile's last vector may reach beyond the last row.
    const ptrdiff_t beyond = plan->is_planar ? MW_TILE_COLUMNS : 0;
    const size_t row_bytes =
        plan->reads_in_place ? 0 : (size_t)(deep->kernel * rows * row_size + beyond) * sizeof(float);
    char *space = mw_storage_allocate(row_bytes + run_bytes);
    if (space == NULL) {
        atomic_store_explicit(&plan->is_out_of_memory, true, memory_order_relaxed);
        return;
    }
    mw_convolution_run *runs = (mw_convolution_run *)space;
    float *padded_rows = (float *)(space + run_bytes);
    if (!plan->reads_in_place) {
        source = (convolution_source){
            .base = padded_rows,
            .depth_stride = rows * row_size,
            .row_stride = row_size,
            .pixel_stride = plan->is_planar ? 1 : plan->pixel,
            .row_begin = least,
            .column_begin = plan->row_begin,
            .counts_depth_by_tap = true,
        };
        for (ptrdiff_t tap = 0; tap < deep->kernel; tap++) {
            const ptrdiff_t depth = mw_convolution_source(deep, target.depth, tap);
            for (ptrdiff_t row = least; row <= greatest && depth >= 0; row++) {
                float *const padded = padded_rows + tap * source.depth_stride + (row - least) * row_size;
                const ptrdiff_t offset = image + depth * of->in_strides[2] + row * of->in_strides[3];
                if (plan->is_planar) {
                    pad_row_planar(plan, padded, offset);
                } else {
                    pad_row(plan, padded, offset);
                }
            }
        }
    }

    for (target.row = begin; target.row < end; target.row++) {
        for (ptrdiff_t phase = 0; phase < wide->divisor && phase < wide->out; phase++) {
            const ptrdiff_t run_count = list_runs(plan, &source, target.depth, target.row, phase, runs);
            const ptrdiff_t places = (wide->out - phase + wide->divisor - 1) / wide->divisor;
            const ptrdiff_t a_stride = wide->multiply * source.pixel_stride;
            for (ptrdiff_t place = 0; place < places; place += MW_CONVOLUTION_PLACES) {
                const ptrdiff_t count =
                    places - place < MW_CONVOLUTION_PLACES ? places - place : MW_CONVOLUTION_PLACES;
                target.column = phase + place * wide->divisor;
                if (plan->is_planar) {
                    convolve_places_planar(plan, &target, count, runs, run_count, source.base + place);
                } else if (plan->is_depthwise) {
                    convolve_places_depthwise(
                        plan, &target, count, runs, run_count, source.base + place * a_stride, a_stride);
                } else {
                    convolve_places(
                        plan, &target, count, runs, run_count, source.base + place * a_stride, a_stride);
                }
            }
        }
    }
    mw_storage_release(space, row_bytes + run_bytes);
}

typedef struct weight_packing {
    const mw_convolution_plan *plan;
    const char *weights;
} weight_packing;

static void pack_weight_panel_of(void *context, ptrdiff_t index) {
    const weight_packing *packing = context;
    pack_weight_panel(packing->plan, packing->weights, index);
}

bool MW_KERNEL(convolution)(
    mw_dtype dtype, const mw_convolution *of, void *out, const void *a, const void *weights) {
    if (dtype == MW_DTYPE_F64) {
        mw_convolve_f64(of, out, a, weights);
        return true;
    }
    mw_convolution_plan plan = {.of = of, .dtype = dtype, .out = out, .a = a};
    if (of->batch * of->axes[0].out * of->axes[1].out * of->axes[2].out * of->groups * of->out_channels == 0) {
        return true;
    }
    mw_plan_convolution(&plan);
    const ptrdiff_t pieces = of->batch * of->axes[0].out * plan.bands;
    if (plan.is_planar) {
        plan.weights = weights;
        mw_parallel_for(pieces, 0, convolve_piece, &plan);
        return !atomic_load_explicit(&plan.is_out_of_memory, memory_order_relaxed);
    }
    plan.panel_rows = of->axes[0].kernel * of->axes[1].kernel * of->axes[2].kernel * of->in_channels;
    plan.panels = (of->out_channels + MW_TILE_COLUMNS - 1) / MW_TILE_COLUMNS;
    const ptrdiff_t panels = of->groups * plan.panels;
    const ptrdiff_t packed_count =
        plan.is_depthwise ? plan.panel_rows * plan.pixel : panels * plan.panel_rows * MW_TILE_COLUMNS;
    const size_t packed_bytes = (size_t)packed_count * sizeof(float);
    plan.packed = mw_storage_allocate(packed_bytes);
    if (plan.packed == NULL) {
        return false;
    }
    if (plan.is_depthwise) {
        pack_depthwise_weights(&plan, weights);
    } else {
        weight_packing packing = {.plan = &plan, .weights = weights};
        mw_parallel_for(panels, packed_count < 1 << 18 ? 1 : 0, pack_weight_panel_of, &packing);
    }
    mw_parallel_for(pieces, 0, convolve_piece, &plan);
    mw_storage_release(plan.packed, packed_bytes);
    return !atomic_load_explicit(&plan.is_out_of_memory, memory_order_relaxed);
}
