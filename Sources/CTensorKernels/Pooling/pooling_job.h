// One call of a pooling kernel. The same for every path, and so included before a path's instructions are turned on.
#ifndef MESHWORK_POOLING_JOB_H
#define MESHWORK_POOLING_JOB_H

#include "../Lanes/half_floats.h"
#include "../include/mw_pool.h"
#include "../include/mw_pooling.h"

#include <math.h>

/// Windows that are computed side by side.
#define MW_POOL_STRIP 256

/// Elements that one thread visits at a time: some 20 µs of work.
#define MW_POOL_CHUNK ((ptrdiff_t)1 << 16)

typedef struct mw_pooling_job {
    mw_pooling_operation operation;
    const mw_pooling *of;
    /// Null where indices are asked for, and the other way round.
    void *out;
    int32_t *indices;
    const void *a;
    /// Rows of windows along the width, in all images, channels (unless they come last) and depths.
    ptrdiff_t rows, rows_in_chunk;
} mw_pooling_job;

/// Elements of window `out` along one axis by which a sum is divided.
static inline ptrdiff_t mw_pooling_count(const mw_pooling_axis *axis, ptrdiff_t out, const mw_pooling_job *job) {
    const bool is_padded = job->operation == MW_POOL_PADDED_AVERAGE;
    const ptrdiff_t start = out * axis->stride - axis->padding;
    const ptrdiff_t end = is_padded ? axis->in + axis->padding_after : axis->in;
    const ptrdiff_t first = !is_padded && start < 0 ? (-start + axis->dilation - 1) / axis->dilation : 0;
    const ptrdiff_t after = start >= end ? 0 : (end - 1 - start) / axis->dilation + 1;
    const ptrdiff_t last = after < axis->kernel ? after : axis->kernel;
    return last > first ? last - first : 1;
}

/// Whether every window along an axis has as many elements as any other.
static inline bool mw_pooling_counts_are_equal(const mw_pooling_axis *axis, const mw_pooling_job *job) {
    const bool is_padded = job->operation == MW_POOL_PADDED_AVERAGE;
    const ptrdiff_t end = is_padded ? axis->in + axis->padding_after : axis->in;
    const ptrdiff_t last_start = (axis->out - 1) * axis->stride - axis->padding;
    return (is_padded || axis->padding == 0) && last_start + (axis->kernel - 1) * axis->dilation < end;
}

/// Shares the rows out; `row` computes those of one chunk.
static inline void mw_run_pooling(mw_pooling_job *job, void (*row)(void *, ptrdiff_t)) {
    const mw_pooling *of = job->of;
    const ptrdiff_t windows = of->axes[2].out * (of->is_channels_last ? of->channels : 1);
    const ptrdiff_t visits = windows * of->axes[0].kernel * of->axes[1].kernel * of->axes[2].kernel;
    job->rows = of->batch * of->axes[0].out * of->axes[1].out * (of->is_channels_last ? 1 : of->channels);
    job->rows_in_chunk = visits < MW_POOL_CHUNK ? MW_POOL_CHUNK / (visits > 0 ? visits : 1) : 1;
    const ptrdiff_t chunks = (job->rows + job->rows_in_chunk - 1) / job->rows_in_chunk;
    // A few chunks are done before another thread has woken up.
    mw_parallel_for(chunks, chunks < 4 ? 1 : 0, row, job);
}

#endif
