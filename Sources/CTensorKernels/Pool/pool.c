#if defined(__linux__)
// pthread_sigmask and pthread_atfork, whatever standard the compiler was asked for
#define _GNU_SOURCE
#endif

#pragma STDC FP_CONTRACT OFF

#include "../include/mw_pool.h"

#include "../include/mw_processor_count.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

// One mutex guards the queue of jobs, the list of regions (running mw_parallel_for calls) and the stack of idle workers.
// Chunks are handed out by an atomic counter in their region, without the mutex. A worker looks for a region with room
// first, since its caller is waiting, then for a job; with neither it goes on top of the stack of idle workers, spins a
// moment and then sleeps, because waking a sleeping thread takes longer than most regions run. Whoever brings work calls
// exactly the workers that it wants, the last to become idle first: that one still spins, or its core is still awake. A
// worker that nobody calls costs nothing.

/// Nanoseconds that a thread spins before it sleeps: the time of a wake-up, on a virtual machine.
enum { spin_nanoseconds = 50000 };

typedef struct job {
    struct job *next;
    void (*function)(void *);
    void *context;
} job;

/// A call of mw_parallel_for, on its caller's stack.
typedef struct region {
    struct region *next;
    void (*function)(void *, ptrdiff_t);
    void *context;
    ptrdiff_t chunks;
    _Atomic ptrdiff_t next_chunk;
    /// Workers that may still join, under the mutex.
    ptrdiff_t room;
    /// Workers inside; changed under the mutex, read by the spinning caller without it.
    _Atomic ptrdiff_t helpers;
} region;

/// A thread of the pool, on its own stack, aligned so that spinning on one disturbs no other.
typedef struct worker {
    /// Below this one in the stack of idle workers.
    _Alignas(128) struct worker *next;
    /// Set by whoever takes this worker off the stack; changed under the mutex, read by the spinning worker without it.
    atomic_bool called;
    bool sleeps;
    pthread_cond_t wake;
} worker;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t helper_left = PTHREAD_COND_INITIALIZER;
static job *first_job;
static job *last_job;
static region *regions;
static ptrdiff_t worker_count;
static worker *idle_workers;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static ptrdiff_t width;

static _Thread_local bool is_worker;
static _Thread_local bool is_inside_chunk;
/// The bound of `mw_pool_set_thread_budget`, 0 for none.
static _Thread_local ptrdiff_t thread_budget;

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/// Time for another core, some 0.3 µs.
static void pause_briefly(void) {
    for (int i = 0; i < 16; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#endif
    }
}

static void before_fork(void) { pthread_mutex_lock(&mutex); }

static void after_fork_in_parent(void) { pthread_mutex_unlock(&mutex); }

/// The child has one thread and none of the workers: what they were doing goes on in the parent.
static void after_fork_in_child(void) {
    pthread_mutex_init(&mutex, NULL);
    pthread_cond_init(&helper_left, NULL);
    first_job = NULL;
    last_job = NULL;
    regions = NULL;
    worker_count = 0;
    idle_workers = NULL;
    is_worker = false;
}

static void prepare(void) {
    width = mw_usable_processors("");
    const char *bound = getenv("MESHWORK_THREADS");
    const long threads = bound == NULL ? 0 : strtol(bound, NULL, 10);
    if (threads > 0 && threads < width) {
        width = threads;
    }
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

ptrdiff_t mw_pool_width(void) {
    pthread_once(&once, prepare);
    return width;
}

ptrdiff_t mw_pool_set_thread_budget(ptrdiff_t threads) {
    const ptrdiff_t before = thread_budget;
    thread_budget = threads > 0 ? threads : 0;
    return before;
}

ptrdiff_t mw_pool_threads_for(ptrdiff_t budget) {
    const ptrdiff_t most = mw_pool_width();
    const ptrdiff_t bound = budget > 0 ? budget : thread_budget;
    return bound > 0 && bound < most ? bound : most;
}

bool mw_pool_is_worker(void) { return is_worker; }

static void run_chunks(region *region) {
    const bool was_inside_chunk = is_inside_chunk;
    is_inside_chunk = true;
    for (;;) {
        const ptrdiff_t chunk = atomic_fetch_add_explicit(&region->next_chunk, 1, memory_order_relaxed);
        if (chunk >= region->chunks) {
            break;
        }
        region->function(region->context, chunk);
    }
    is_inside_chunk = was_inside_chunk;
}

/// A region that has chunks and room for a helper. With the mutex held.
static region *open_region(void) {
    for (region *region = regions; region != NULL; region = region->next) {
        if (region->room > 0 &&
            atomic_load_explicit(&region->next_chunk, memory_order_relaxed) < region->chunks) {
            return region;
        }
    }
    return NULL;
}

/// Returns when somebody has called this worker. With the mutex held, which it lets go of meanwhile.
static void wait_for_call(worker *own) {
    atomic_store_explicit(&own->called, false, memory_order_relaxed);
    own->next = idle_workers;
    idle_workers = own;
    pthread_mutex_unlock(&mutex);
    const int64_t end = nanoseconds() + spin_nanoseconds;
    while (!atomic_load_explicit(&own->called, memory_order_relaxed) && nanoseconds() < end) {
        pause_briefly();
    }
    pthread_mutex_lock(&mutex);
    own->sleeps = true;
    while (!atomic_load_explicit(&own->called, memory_order_relaxed)) {
        pthread_cond_wait(&own->wake, &mutex);
    }
    own->sleeps = false;
}

static void *work(void *unused) {
    (void)unused;
    worker own = {.sleeps = false};
    pthread_cond_init(&own.wake, NULL);
    is_worker = true;
    pthread_mutex_lock(&mutex);
    for (;;) {
        region *region = open_region();
        if (region != NULL) {
            region->room--;
            atomic_fetch_add_explicit(&region->helpers, 1, memory_order_relaxed);
            pthread_mutex_unlock(&mutex);
            run_chunks(region);
            pthread_mutex_lock(&mutex);
            // Release: what this thread wrote is seen by the caller that reads 0. The region may be gone afterwards.
            if (atomic_fetch_sub_explicit(&region->helpers, 1, memory_order_release) == 1) {
                pthread_cond_broadcast(&helper_left);
            }
            continue;
        }
        job *next = first_job;
        if (next != NULL) {
            first_job = next->next;
            if (first_job == NULL) {
                last_job = NULL;
            }
            pthread_mutex_unlock(&mutex);
            void (*const function)(void *) = next->function;
            void *const context = next->context;
            free(next);
            function(context);
            pthread_mutex_lock(&mutex);
            continue;
        }
        wait_for_call(&own);
    }
    return NULL;
}

/// Starts the workers that are missing. With the mutex held. Returns whether there is at least one.
static bool start_workers(void) {
    while (worker_count < width) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        // Swift jobs run here too, and expect the stack that other threads have (musl's default is 128 KiB).
        pthread_attr_setstacksize(&attributes, (size_t)8 << 20);
        // The process's signals are for the threads that its host chose.
        sigset_t all, previous;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &previous);
        const int failure = pthread_create(&thread, &attributes, work, NULL);
        pthread_sigmask(SIG_SETMASK, &previous, NULL);
        pthread_attr_destroy(&attributes);
        if (failure != 0) {
            break;
        }
        worker_count++;
    }
    return worker_count > 0;
}

/// Calls `wanted` idle workers, or as many as there are: the others look for work before they become idle. With the
/// mutex held.
static void announce(ptrdiff_t wanted) {
    for (; wanted > 0 && idle_workers != NULL; wanted--) {
        worker *called = idle_workers;
        idle_workers = called->next;
        atomic_store_explicit(&called->called, true, memory_order_relaxed);
        if (called->sleeps) {
            pthread_cond_signal(&called->wake);
        }
    }
}

bool mw_pool_submit(void (*function)(void *context), void *context) {
    pthread_once(&once, prepare);
    job *queued = malloc(sizeof *queued);
    if (queued == NULL) {
        return false;
    }
    *queued = (job){.next = NULL, .function = function, .context = context};
    pthread_mutex_lock(&mutex);
    if (!start_workers()) {
        pthread_mutex_unlock(&mutex);
        free(queued);
        return false;
    }
    if (last_job == NULL) {
        first_job = queued;
    } else {
        last_job->next = queued;
    }
    last_job = queued;
    announce(1);
    pthread_mutex_unlock(&mutex);
    return true;
}

void mw_parallel_for(
    ptrdiff_t chunks, ptrdiff_t budget, void (*function)(void *context, ptrdiff_t chunk), void *context) {
    const ptrdiff_t allowed = mw_pool_threads_for(budget);
    const ptrdiff_t threads = allowed < chunks ? allowed : chunks;
    if (threads <= 1 || is_inside_chunk) {
        // Calls inside of this one take no more threads than it may.
        const ptrdiff_t bound = mw_pool_set_thread_budget(allowed);
        for (ptrdiff_t chunk = 0; chunk < chunks; chunk++) {
            function(context, chunk);
        }
        mw_pool_set_thread_budget(bound);
        return;
    }
    region own = {
        .function = function,
        .context = context,
        .chunks = chunks,
        .next_chunk = 0,
        .room = threads - 1,
        .helpers = 0,
    };
    pthread_mutex_lock(&mutex);
    start_workers();
    own.next = regions;
    regions = &own;
    announce(own.room);
    pthread_mutex_unlock(&mutex);

    run_chunks(&own);

    // Nobody joins any more; those who are inside are at their last chunk.
    pthread_mutex_lock(&mutex);
    region **link = &regions;
    while (*link != &own) {
        link = &(*link)->next;
    }
    *link = own.next;
    pthread_mutex_unlock(&mutex);
    const int64_t end = nanoseconds() + spin_nanoseconds;
    while (atomic_load_explicit(&own.helpers, memory_order_acquire) != 0 && nanoseconds() < end) {
        pause_briefly();
    }
    // Also where the spinning saw 0: the last helper lets go of the mutex after its last touch of the region.
    pthread_mutex_lock(&mutex);
    while (atomic_load_explicit(&own.helpers, memory_order_acquire) != 0) {
        pthread_cond_wait(&helper_left, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}
