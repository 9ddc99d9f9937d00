// Pooling, of one path. Included once by each path's file; see Dispatch/kernel_body.h and Lanes/f32x16.h.

#define MW_POOL(name) pool_f32_##name
#define MW_POOL_ELEMENT float
#define MW_POOL_VALUE float
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST -(MW_POOL_VALUE)INFINITY
#define MW_POOL_IS_NAN(x) ((x) != (x))
#include "pooling_rows.h"

#define MW_POOL(name) pool_f64_##name
#define MW_POOL_ELEMENT double
#define MW_POOL_VALUE double
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST -(MW_POOL_VALUE)INFINITY
#define MW_POOL_IS_NAN(x) ((x) != (x))
#include "pooling_rows.h"

#define MW_POOL(name) pool_bf16_##name
#define MW_POOL_ELEMENT uint16_t
#define MW_POOL_VALUE float
#define MW_POOL_LOAD(x) mw_f32_of_bf16(x)
#define MW_POOL_STORE(x) mw_bf16_of_f32(x)
#define MW_POOL_LOWEST -(MW_POOL_VALUE)INFINITY
#define MW_POOL_IS_NAN(x) ((x) != (x))
#include "pooling_rows.h"

#define MW_POOL(name) pool_f16_##name
#define MW_POOL_ELEMENT uint16_t
#define MW_POOL_VALUE float
#define MW_POOL_LOAD(x) mw_f32_of_f16(x)
#define MW_POOL_STORE(x) mw_f16_of_f32(x)
#define MW_POOL_LOWEST -(MW_POOL_VALUE)INFINITY
#define MW_POOL_IS_NAN(x) ((x) != (x))
#include "pooling_rows.h"

#define MW_POOL(name) pool_i8_##name
#define MW_POOL_ELEMENT int8_t
#define MW_POOL_VALUE int8_t
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST INT8_MIN
#define MW_POOL_IS_NAN(x) false
#include "pooling_rows.h"

#define MW_POOL(name) pool_i16_##name
#define MW_POOL_ELEMENT int16_t
#define MW_POOL_VALUE int16_t
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST INT16_MIN
#define MW_POOL_IS_NAN(x) false
#include "pooling_rows.h"

#define MW_POOL(name) pool_i32_##name
#define MW_POOL_ELEMENT int32_t
#define MW_POOL_VALUE int32_t
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST INT32_MIN
#define MW_POOL_IS_NAN(x) false
#include "pooling_rows.h"

#define MW_POOL(name) pool_i64_##name
#define MW_POOL_ELEMENT int64_t
#define MW_POOL_VALUE int64_t
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST INT64_MIN
#define MW_POOL_IS_NAN(x) false
#include "pooling_rows.h"

#define MW_POOL(name) pool_u8_##name
#define MW_POOL_ELEMENT uint8_t
#define MW_POOL_VALUE uint8_t
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST 0
#define MW_POOL_IS_NAN(x) false
#include "pooling_rows.h"

#define MW_POOL(name) pool_u16_##name
#define MW_POOL_ELEMENT uint16_t
#define MW_POOL_VALUE uint16_t
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST 0
#define MW_POOL_IS_NAN(x) false
#include "pooling_rows.h"

#define MW_POOL(name) pool_u32_##name
#define MW_POOL_ELEMENT uint32_t
#define MW_POOL_VALUE uint32_t
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST 0
#define MW_POOL_IS_NAN(x) false
#include "pooling_rows.h"

#define MW_POOL(name) pool_u64_##name
#define MW_POOL_ELEMENT uint64_t
#define MW_POOL_VALUE uint64_t
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#define MW_POOL_LOWEST 0
#define MW_POOL_IS_NAN(x) false
#include "pooling_rows.h"

/// Combines the elements of `taps` in sixteen channels; of the last group of channels, `lanes` exist.
MW_ALWAYS_INLINE mw_f32x16 combine_taps(
    bool is_maximum, ptrdiff_t taps, const ptrdiff_t *offsets, const float *a, ptrdiff_t lanes) {
    mw_f32x16 result = splat(is_maximum ? mw_float_of(0xff800000u) : 0);
    for (ptrdiff_t tap = 0; tap < taps; tap++) {
        const mw_f32x16 x = lanes == 16 ? load16(a + offsets[tap]) : load_first(a + offsets[tap], lanes, 0);
        if (is_maximum) {
            // A NaN in x passes; one that came before must be kept.
            const mw_u32x16 is_kept = (mw_u32x16)(result != result);
            const mw_f32x16 greater = greater_of(result, x);
            result = (mw_f32x16)((is_kept & (mw_u32x16)result) | (~is_kept & (mw_u32x16)greater));
        } else {
            result += x;
        }
    }
    return result;
}

/// As pool_f32_row, for channels that follow each other in input and result: a window's sum or maximum stays in a
/// register for all of its taps.
static void pool_f32_pixels(void *context, ptrdiff_t index) {
    const mw_pooling_job *job = context;
    const mw_pooling *of = job->of;
    const mw_pooling_axis *axes = of->axes;
    const bool is_maximum = job->operation == MW_POOL_MAXIMUM;
    ptrdiff_t offsets[MW_POOL_STRIP];
    const ptrdiff_t end = index * job->rows_in_chunk + job->rows_in_chunk;
    for (ptrdiff_t at = index * job->rows_in_chunk; at < end && at < job->rows; at++) {
        const ptrdiff_t row = at % axes[1].out, depth = at / axes[1].out % axes[0].out;
        const float *image = (const float *)job->a + at / (axes[1].out * axes[0].out) * of->in_strides[0];
        for (ptrdiff_t column = 0; column < axes[2].out; column++) {
            ptrdiff_t taps = 0;
            for (ptrdiff_t i = 0; i < axes[0].kernel; i++) {
                const ptrdiff_t z = depth * axes[0].stride - axes[0].padding + i * axes[0].dilation;
                for (ptrdiff_t j = 0; j < axes[1].kernel && z >= 0 && z < axes[0].in; j++) {
                    const ptrdiff_t y = row * axes[1].stride - axes[1].padding + j * axes[1].dilation;
                    for (ptrdiff_t k = 0; k < axes[2].kernel && y >= 0 && y < axes[1].in; k++) {
                        const ptrdiff_t x = column * axes[2].stride - axes[2].padding + k * axes[2].dilation;
                        if (x >= 0 && x < axes[2].in) {
                            offsets[taps++] = z * of->in_strides[2] + y * of->in_strides[3] + x * of->in_strides[4];
                        }
                    }
                }
            }
            const mw_f32x16 elements = splat(
                is_maximum ? 1
                           : (float)(mw_pooling_count(&axes[0], depth, job) * mw_pooling_count(&axes[1], row, job) *
                                     mw_pooling_count(&axes[2], column, job)));
            float *out = (float *)job->out + (at * axes[2].out + column) * of->channels;
            for (ptrdiff_t channel = 0; channel < of->channels; channel += 16) {
                const ptrdiff_t lanes = of->channels - channel;
                if (lanes >= 16) {
                    const mw_f32x16 x = combine_taps(is_maximum, taps, offsets, image + channel, 16);
                    store16(out + channel, is_maximum ? x : x / elements);
                } else {
                    const mw_f32x16 x = combine_taps(is_maximum, taps, offsets, image + channel, lanes);
                    store_first(out + channel, is_maximum ? x : x / elements, lanes);
                }
            }
        }
    }
}

static void run_pooling(mw_pooling_job *job, mw_dtype dtype) {
    static void (*const rows[MW_DTYPE_COUNT])(void *, ptrdiff_t) = {
        [MW_DTYPE_F32] = pool_f32_row,
        [MW_DTYPE_F64] = pool_f64_row,
        [MW_DTYPE_BF16] = pool_bf16_row,
        [MW_DTYPE_F16] = pool_f16_row,
        [MW_DTYPE_I8] = pool_i8_row,
        [MW_DTYPE_I16] = pool_i16_row,
        [MW_DTYPE_I32] = pool_i32_row,
        [MW_DTYPE_I64] = pool_i64_row,
        [MW_DTYPE_U8] = pool_u8_row,
        [MW_DTYPE_U16] = pool_u16_row,
        [MW_DTYPE_U32] = pool_u32_row,
        [MW_DTYPE_U64] = pool_u64_row,
    };
    const mw_pooling *of = job->of;
    const bool has_pixels = dtype == MW_DTYPE_F32 && of->is_channels_last && of->in_strides[1] == 1 &&
                            job->indices == NULL &&
                            of->axes[0].kernel * of->axes[1].kernel * of->axes[2].kernel <= MW_POOL_STRIP;
    mw_run_pooling(job, has_pixels ? pool_f32_pixels : rows[dtype]);
}

void MW_KERNEL(pool)(
    mw_pooling_operation operation, mw_dtype dtype, const mw_pooling *pooling, void *out, const void *a) {
    mw_pooling_job job = {.operation = operation, .of = pooling, .out = out, .a = a};
    run_pooling(&job, dtype);
}

void MW_KERNEL(pool_indices)(mw_dtype dtype, const mw_pooling *pooling, int32_t *out, const void *a) {
    mw_pooling_job job = {.operation = MW_POOL_MAXIMUM, .of = pooling, .indices = out, .a = a};
    run_pooling(&job, dtype);
}
