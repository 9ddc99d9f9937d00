// How a convolution is cut into pieces, and where their elements lie. The same for every path but for the width of the
// packed weights, and so included before a path's instructions are turned on.
//
// The result is computed row by row. A row's taps are a list of runs: where the input elements of a run lie from the
// first one that belongs to a place, where its weights lie, and how many follow each other. With channels last, all
// channels of a tap follow each other, and all taps along the width too where they are one element apart, so that a
// tile sums long runs of both operands in sequence, which no copy of the input in columns (im2col) could make longer.
// Rows outside the input are left out of the list; only the width is padded, in the few rows that a piece works on, and
// only where the input needs it or has its channels elsewhere.
//
// With channels first, and where little is summed for each element, moving the channels to the end and back would cost
// more than the sums: there, a tile's rows are output channels and its columns are neighbouring places, so that weights
// and input change parts (`is_planar`).
#ifndef MESHWORK_CONVOLUTION_PLAN_H
#define MESHWORK_CONVOLUTION_PLAN_H

#include "../Lanes/half_floats.h"
#include "../include/mw_allocator.h"
#include "../include/mw_convolution.h"
#include "../include/mw_pool.h"

#include <stdatomic.h>

/// Multiply-adds that one thread takes at a time: some 50 µs of work.
#define MW_CONVOLUTION_CHUNK ((ptrdiff_t)1 << 21)

/// The padded rows of a piece have at most this many elements, if one row of the result allows: they stay in the
/// second-level cache.
#define MW_CONVOLUTION_ROWS ((ptrdiff_t)1 << 16)

/// Places of a row of the result that are computed before the next channels are, or that are transposed together.
#define MW_CONVOLUTION_PLACES 112

/// Up to so many products are summed place by place along the width where channels come first.
#define MW_CONVOLUTION_PLANAR 64

/// Elements that one tap, or several along the width, contribute to a place.
typedef struct mw_convolution_run {
    ptrdiff_t a_offset;
    ptrdiff_t b_offset;
    ptrdiff_t depth;
} mw_convolution_run;

/// floor(a / b) for b > 0.
static inline ptrdiff_t mw_floor_divide(ptrdiff_t a, ptrdiff_t b) { return a / b - (a % b < 0); }

/// The input element that tap `tap` of result element `out` reads, or -1 if there is none.
static inline ptrdiff_t mw_convolution_source(const mw_convolution_axis *axis, ptrdiff_t out, ptrdiff_t tap) {
    const ptrdiff_t position = out * axis->multiply + axis->offset + tap * axis->tap_step;
    if (position < 0 || position % axis->divisor != 0 || position / axis->divisor >= axis->in) {
        return -1;
    }
    return position / axis->divisor;
}

/// The least and the greatest input element that results first...last could read, were the input endless.
static inline void mw_convolution_reach(
    const mw_convolution_axis *axis, ptrdiff_t first, ptrdiff_t last, ptrdiff_t *least, ptrdiff_t *greatest) {
    const ptrdiff_t span = (axis->kernel - 1) * axis->tap_step;
    *least = mw_floor_divide(first * axis->multiply + axis->offset + (span < 0 ? span : 0), axis->divisor);
    *greatest = mw_floor_divide(last * axis->multiply + axis->offset + (span > 0 ? span : 0), axis->divisor);
}

/// One call, cut into pieces of some rows of one image each.
typedef struct mw_convolution_plan {
    const mw_convolution *of;
    mw_dtype dtype;
    char *out;
    const char *a;
    float *packed;
    /// Rows of packed weights that a panel has: taps · input channels of a group.
    ptrdiff_t panel_rows;
    ptrdiff_t panels;
    /// Whether each group has one input channel, and all groups are computed side by side.
    bool is_depthwise;
    /// Whether a tile's columns are places, and the rows that it reads are those of one channel.
    bool is_planar;
    const float *weights;
    /// Whether tiles read the input where it lies.
    bool reads_in_place;
    /// The width of a padded row in pixels, and the input's column that its first pixel is.
    ptrdiff_t row_width, row_begin;
    /// Elements of a pixel in what tiles read.
    ptrdiff_t pixel;
    ptrdiff_t band, bands;
    _Atomic bool is_out_of_memory;
} mw_convolution_plan;

/// Element `index` of a float array, as f32.
static inline float mw_convolution_element(mw_dtype dtype, const void *base, ptrdiff_t index) {
    switch (dtype) {
    case MW_DTYPE_BF16:
        return mw_f32_of_bf16(((const uint16_t *)base)[index]);
    case MW_DTYPE_F16:
        return mw_f32_of_f16(((const uint16_t *)base)[index]);
    default:
        return ((const float *)base)[index];
    }
}

/// Decides on everything but the weights' panels.
static inline void mw_plan_convolution(mw_convolution_plan *plan) {
    const mw_convolution *of = plan->of;
    const mw_convolution_axis *width = &of->axes[2];
    const ptrdiff_t products = of->axes[0].kernel * of->axes[1].kernel * width->kernel * of->in_channels;
    plan->is_depthwise = of->groups > 1 && of->in_channels == 1;
    plan->pixel = of->groups * (plan->is_depthwise ? of->out_channels : of->in_channels);
    ptrdiff_t least, greatest;
    mw_convolution_reach(width, 0, width->out - 1, &least, &greatest);
    const bool has_pixels = of->in_strides[1] == 1 || of->groups * of->in_channels == 1;
    plan->is_planar = plan->dtype == MW_DTYPE_F32 && !of->is_channels_last && of->groups == 1 &&
                      of->in_strides[4] == 1 && of->weight_strides[5] == 1 && width->multiply == 1 &&
                      width->divisor == 1 && products <= MW_CONVOLUTION_PLANAR;
    plan->reads_in_place = !plan->is_planar && plan->dtype == MW_DTYPE_F32 && has_pixels && least >= 0 && greatest < width->in &&
                           (!plan->is_depthwise || of->out_channels == 1);
    plan->row_begin = least;
    plan->row_width = greatest - least + 1;

    const ptrdiff_t work = width->out * of->groups * of->out_channels * products;
    const mw_convolution_axis *height = &of->axes[1];
    const ptrdiff_t row_elements = plan->row_width * plan->pixel * of->axes[0].kernel;
    const ptrdiff_t halo = (height->kernel - 1) * (height->tap_step < 0 ? -height->tap_step : height->tap_step);
    ptrdiff_t rows = MW_CONVOLUTION_ROWS / (row_elements > 0 ? row_elements : 1);
    rows = ((rows - 1) * height->divisor - halo) / height->multiply + 1;
    const ptrdiff_t wanted = MW_CONVOLUTION_CHUNK / (work > 0 ? work : 1) + 1;
    rows = rows < wanted ? rows : wanted;
    rows = rows < 1 ? 1 : rows < height->out ? rows : height->out;
    plan->bands = (height->out + rows - 1) / rows;
    plan->band = rows;
}

#endif
