// Rows of any float type, shared over the compute pool. The same for every path, and so included before a path's
// instructions are turned on.
#ifndef MESHWORK_ROW_JOBS_H
#define MESHWORK_ROW_JOBS_H

#include "../Lanes/half_floats.h"
#include "../include/mw_allocator.h"
#include "../include/mw_pool.h"

#include <math.h>
#include <stdatomic.h>

/// Elements of rows that one thread takes at a time: some 20 µs of work.
#define MW_ROWS_CHUNK ((ptrdiff_t)1 << 16)

/// A row of at most this many 16-bit floats is widened on the stack.
#define MW_ROWS_ON_STACK 2048

/// What is left to do for so many rows is done side by side: the logarithm or the root that each needs.
#define MW_ROWS_BATCH 16

/// What is done to rows: `f32` to neighbouring ones of f32 and, widened, to one of 16-bit floats (`out` may be `a`), `f64`
/// to one of the others. `details` is the operation's own; `row` is the number of the first row. Whoever reads weights of
/// 16-bit floats has widened them.
typedef struct mw_row_job {
    mw_dtype dtype;
    ptrdiff_t rows, columns, a_row_stride;
    char *out;
    const char *a;
    void (*f32)(
        const void *details, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t columns, float *out, const float *a,
        ptrdiff_t a_row_stride);
    void (*f64)(const void *details, ptrdiff_t row, ptrdiff_t columns, double *out, const double *a);
    const void *details;
    ptrdiff_t rows_in_chunk;
    _Atomic bool is_out_of_memory;
} mw_row_job;

static void mw_run_row_chunk(void *context, ptrdiff_t chunk) {
    mw_row_job *job = context;
    const ptrdiff_t begin = chunk * job->rows_in_chunk;
    const ptrdiff_t end = begin + job->rows_in_chunk < job->rows ? begin + job->rows_in_chunk : job->rows;
    const ptrdiff_t columns = job->columns;
    if (job->dtype == MW_DTYPE_F32) {
        job->f32(
            job->details, begin, end - begin, columns, (float *)job->out + begin * columns,
            (const float *)job->a + begin * job->a_row_stride, job->a_row_stride);
        return;
    }
    if (job->dtype == MW_DTYPE_F64) {
        for (ptrdiff_t row = begin; row < end; row++) {
            job->f64(
                job->details, row, columns, (double *)job->out + row * columns,
                (const double *)job->a + row * job->a_row_stride);
        }
        return;
    }
    float on_stack[MW_ROWS_ON_STACK];
    float *wide = on_stack;
    if (columns > MW_ROWS_ON_STACK) {
        wide = mw_storage_allocate((size_t)columns * sizeof(float));
        if (wide == NULL) {
            atomic_store_explicit(&job->is_out_of_memory, true, memory_order_relaxed);
            return;
        }
    }
    for (ptrdiff_t row = begin; row < end; row++) {
        mw_widen(job->dtype, columns, wide, (const uint16_t *)job->a + row * job->a_row_stride, 1);
        job->f32(job->details, row, 1, columns, wide, wide, columns);
        mw_round(job->dtype, columns, (uint16_t *)job->out + row * columns, wide);
    }
    if (wide != on_stack) {
        mw_storage_release(wide, (size_t)columns * sizeof(float));
    }
}

/// Rows of a batch: as many as stay in the first-level cache between two passes.
static inline ptrdiff_t mw_rows_in_batch(ptrdiff_t columns) {
    const ptrdiff_t rows = 4096 / columns;
    return rows < 1 ? 1 : rows < MW_ROWS_BATCH ? rows : MW_ROWS_BATCH;
}

/// Runs the job; false when there was no memory for a widened row.
static inline bool mw_run_rows(mw_row_job *job) {
    if (job->rows <= 0 || job->columns <= 0) {
        return true;
    }
    job->rows_in_chunk = job->columns < MW_ROWS_CHUNK ? MW_ROWS_CHUNK / job->columns : 1;
    const ptrdiff_t chunks = (job->rows + job->rows_in_chunk - 1) / job->rows_in_chunk;
    // A few chunks are done before another thread has woken up.
    mw_parallel_for(chunks, chunks < 4 ? 1 : 0, mw_run_row_chunk, job);
    return !atomic_load_explicit(&job->is_out_of_memory, memory_order_relaxed);
}

#endif
