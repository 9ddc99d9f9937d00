// A range of a stream, shared over the compute pool.
#ifndef MESHWORK_RANDOM_WORK_H
#define MESHWORK_RANDOM_WORK_H

#include "../include/mw_pool.h"
#include "../include/mw_random.h"

typedef struct mw_random_work mw_random_work;

struct mw_random_work {
    uint32_t key0;
    uint32_t key1;
    /// Parameters of the distribution.
    uint64_t range;
    double low;
    double high;
    void (*piece)(const mw_random_work *work, uint64_t first, ptrdiff_t count, void *out);
    /// What is asked for.
    uint64_t first;
    ptrdiff_t count;
    char *out;
    ptrdiff_t element_size;
};

enum { mw_random_piece_count = 1 << 16 };

static inline void mw_random_run_piece(void *context, ptrdiff_t number) {
    const mw_random_work *work = context;
    const ptrdiff_t start = number * mw_random_piece_count;
    const ptrdiff_t count = work->count - start < mw_random_piece_count ? work->count - start : mw_random_piece_count;
    work->piece(work, work->first + (uint64_t)start, count, work->out + start * work->element_size);
}

static inline void mw_random_share(
    mw_random_work *work, uint64_t first, ptrdiff_t count, void *out, ptrdiff_t element_size) {
    work->first = first;
    work->count = count;
    work->out = out;
    work->element_size = element_size;
    mw_parallel_for(
        (count + mw_random_piece_count - 1) / mw_random_piece_count, 0, mw_random_run_piece, work);
}

#endif
