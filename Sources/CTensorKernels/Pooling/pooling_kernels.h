// Pooling, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

#define MW_POOL(name) pool_f32_##name
#define MW_POOL_ELEMENT float
#define MW_POOL_VALUE float
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#include "pooling_rows.h"

#define MW_POOL(name) pool_f64_##name
#define MW_POOL_ELEMENT double
#define MW_POOL_VALUE double
#define MW_POOL_LOAD(x) (x)
#define MW_POOL_STORE(x) (x)
#include "pooling_rows.h"

#define MW_POOL(name) pool_bf16_##name
#define MW_POOL_ELEMENT uint16_t
#define MW_POOL_VALUE float
#define MW_POOL_LOAD(x) mw_widened_bf16(x)
#define MW_POOL_STORE(x) mw_rounded_bf16(x)
#include "pooling_rows.h"

#define MW_POOL(name) pool_f16_##name
#define MW_POOL_ELEMENT uint16_t
#define MW_POOL_VALUE float
#define MW_POOL_LOAD(x) mw_widened_f16(x)
#define MW_POOL_STORE(x) mw_rounded_f16(x)
#include "pooling_rows.h"

static void run_pooling(mw_pooling_job *job, mw_dtype dtype) {
    static void (*const rows[MW_DTYPE_COUNT])(void *, ptrdiff_t) = {
        [MW_DTYPE_F32] = pool_f32_row,
        [MW_DTYPE_F64] = pool_f64_row,
        [MW_DTYPE_BF16] = pool_bf16_row,
        [MW_DTYPE_F16] = pool_f16_row,
    };
    mw_run_pooling(job, rows[dtype]);
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
