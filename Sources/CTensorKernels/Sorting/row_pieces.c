#include "row_pieces.h"

#include "../include/mw_allocator.h"
#include "../include/mw_pool.h"

#include <stdatomic.h>

typedef struct row_job {
    ptrdiff_t rows, rows_of_chunk;
    size_t bytes;
    void (*work)(const void *context, ptrdiff_t row, void *room);
    const void *context;
    atomic_bool lacks_memory;
} row_job;

static void work_on_chunk(void *context, ptrdiff_t chunk) {
    row_job *job = context;
    void *room = mw_storage_allocate(job->bytes);
    if (room == NULL) {
        atomic_store(&job->lacks_memory, true);
        return;
    }
    const ptrdiff_t first = chunk * job->rows_of_chunk;
    const ptrdiff_t rest = job->rows - first;
    const ptrdiff_t end = first + (rest < job->rows_of_chunk ? rest : job->rows_of_chunk);
    for (ptrdiff_t row = first; row < end; row++) {
        job->work(job->context, row, room);
    }
    mw_storage_release(room, job->bytes);
}

bool mw_for_each_row(
    ptrdiff_t rows, ptrdiff_t count, size_t bytes, void (*work)(const void *context, ptrdiff_t row, void *room),
    const void *context) {
    row_job job = {.rows = rows, .bytes = bytes, .work = work, .context = context};
    job.rows_of_chunk = count >= 16384 ? 1 : 16384 / (count > 0 ? count : 1);
    const ptrdiff_t chunks = (rows + job.rows_of_chunk - 1) / job.rows_of_chunk;
    if (chunks == 1) {
        work_on_chunk(&job, 0);
    } else {
        mw_parallel_for(chunks, 0, work_on_chunk, &job);
    }
    return !atomic_load(&job.lacks_memory);
}
