// The compute pool: one process-wide set of C threads for arithmetic.
//
// As many threads as the process may use at once: the cores it may be scheduled on, or fewer where a cgroup quota or
// the environment variable MESHWORK_THREADS allows less (for processes that share a machine). They start at the first
// use, sleep when there is nothing to do, and live as long as the process. A child of fork() starts with none and
// makes its own at its first use; jobs queued in the parent stay there.
#ifndef MESHWORK_POOL_H
#define MESHWORK_POOL_H

#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// How many threads of this process can compute at once: min(cores, affinity, cgroup quota rounded up,
/// MESHWORK_THREADS if it is a positive number), at least 1. Found out once, at the first call.
ptrdiff_t mw_pool_width(void);

/// Bounds the threads that `mw_parallel_for` takes with a budget of 0 when the calling thread calls it; 0 or less (how
/// each thread begins) allows the pool's width. Returns the bound before, for the caller to restore.
ptrdiff_t mw_pool_set_thread_budget(ptrdiff_t threads);

/// How many threads, the caller included, a call of `mw_parallel_for` with this budget may take: 1 or more.
ptrdiff_t mw_pool_threads_for(ptrdiff_t budget);

/// Calls `function(context, i)` once for each i in 0..<chunks and returns when all have returned.
///
/// The caller takes part, so the call ends even if every pool thread is busy. At most `budget` threads work on it,
/// the caller included; 0 means the calling thread's bound (`mw_pool_set_thread_budget`). Which thread runs which chunk
/// is not defined: a chunk's result must not depend on it. A call from inside a chunk runs its chunks inline, in order,
/// unless that chunk is the only one: what it calls with a budget of 0 may take the threads that were meant for it. Must
/// not be left by longjmp, and a chunk must not fork.
void mw_parallel_for(
    ptrdiff_t chunks, ptrdiff_t budget, void (*function)(void *_Nullable context, ptrdiff_t chunk),
    void *_Nullable context);

/// Queues a job to run once on a pool thread, first in, first out. A job may take long and may call
/// `mw_parallel_for`. Returns false, with nothing queued, if the system has no memory or no thread left.
bool mw_pool_submit(void (*function)(void *_Nullable context), void *_Nullable context);

/// Whether the calling thread is one of the pool's.
bool mw_pool_is_worker(void);

#pragma clang assume_nonnull end

#endif
