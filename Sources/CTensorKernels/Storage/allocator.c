#if defined(__linux__)
// pthread_atfork, aligned_alloc, madvise and MAP_ANONYMOUS, whatever standard the compiler was asked for
#define _GNU_SOURCE
#endif

#pragma STDC FP_CONTRACT OFF

#include "../include/mw_allocator.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

// Size classes: four to each doubling, from 64 bytes on. Class 0 is 64, then 80, 96, 112, 128, 160, …; below 256 bytes
// the steps are rounded up to the alignment, so a few small classes hold blocks of one size.
enum {
    smallest_exponent = 6,
    classes_per_doubling = 4,
    class_count = (63 - smallest_exponent) * classes_per_doubling,
};

static const size_t default_cache_limit = (size_t)256 << 20;

/// A released block: its first bytes link it to the next one.
typedef struct free_block {
    struct free_block *next;
} free_block;

/// The blocks of one size, with a lock and cache lines of their own. Everything is changed under the lock only.
typedef struct size_class {
    _Alignas(128) pthread_mutex_t lock;
    /// Released blocks, the most recently used first.
    free_block *head;
    /// Blocks in that list; read without the lock to pass over empty ones.
    _Atomic size_t cached;
    /// Blocks with callers.
    size_t live;
    uint64_t reused;
    uint64_t allocated;
    /// The value of `miss_clock` when a block was last taken or given back.
    _Atomic uint64_t last_use;
} size_class;

static size_class classes[class_count];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/// Counts the allocations that the cache could not serve. A class that was not used since the last few of them is
/// cold; while there are none, nothing needs to be given up and the time does not matter.
static _Atomic uint64_t miss_clock;
static _Atomic size_t cached_bytes;
static _Atomic size_t live_bytes;
static _Atomic size_t peak_live_bytes;
static _Atomic size_t cache_limit;

// fork() copies the locks as they are, and a thread that holds one does not exist in the child: all are taken before.
static void lock_all(void) {
    for (int i = 0; i < class_count; i++) {
        pthread_mutex_lock(&classes[i].lock);
    }
}

static void unlock_all(void) {
    for (int i = class_count - 1; i >= 0; i--) {
        pthread_mutex_unlock(&classes[i].lock);
    }
}

static void start(void) {
    for (int i = 0; i < class_count; i++) {
        pthread_mutex_init(&classes[i].lock, NULL);
    }
    atomic_store_explicit(&cache_limit, default_cache_limit, memory_order_relaxed);
    pthread_atfork(lock_all, unlock_all, unlock_all);
}

/// The class whose blocks hold `bytes`, or -1 if there is none so large.
static int class_of(size_t bytes) {
    if (bytes <= (size_t)1 << smallest_exponent) {
        return 0;
    }
    // With 2^e < bytes <= 2^(e+1), the quarter of that interval in which `bytes` lies.
    const int exponent = 63 - __builtin_clzll((unsigned long long)(bytes - 1));
    const size_t base = (size_t)1 << exponent;
    const int quarter = (int)((bytes - 1 - base) >> (exponent - 2));
    const int class_index = (exponent - smallest_exponent) * classes_per_doubling + quarter + 1;
    return class_index < class_count ? class_index : -1;
}

/// Bytes of a block of a class: a multiple of the alignment.
static size_t class_bytes(int class_index) {
    const int exponent = smallest_exponent + class_index / classes_per_doubling;
    const size_t base = (size_t)1 << exponent;
    const size_t bytes = base + (base >> 2) * (size_t)(class_index % classes_per_doubling);
    return (bytes + MW_STORAGE_ALIGNMENT - 1) / MW_STORAGE_ALIGNMENT * MW_STORAGE_ALIGNMENT;
}

/// Blocks of as many bytes are mapped here and not by the C library. That keeps, for each of its arenas, as much free memory
/// as twice the largest block that it ever unmapped, and no call gives it back.
static const size_t bytes_to_map = (size_t)1 << 20;

static const size_t huge_page = (size_t)2 << 20;

/// Blocks that are large enough lie on huge pages where the system has them to give: a core that looks up fewer pages
/// sums 4 MiB in six sevenths of the time, and 64 MiB in four sevenths.
static void *map_block(size_t bytes) {
    const size_t room = bytes < huge_page ? 0 : huge_page;
    char *start = mmap(NULL, bytes + room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        return NULL;
    }
    if (room == 0) {
        return start;
    }
    // What lies before the border of a huge page, and what is left of the room behind the block, goes back.
    const size_t before = (huge_page - (uintptr_t)start % huge_page) % huge_page;
    if (before > 0) {
        munmap(start, before);
    }
    char *block = start + before;
    if (before < room) {
        munmap(block + bytes, room - before);
    }
#if defined(MADV_HUGEPAGE)
    // Advice only: without such pages the block is as good.
    (void)madvise(block, bytes, MADV_HUGEPAGE);
#endif
    return block;
}

/// Whether blocks of so many bytes are mapped in twos: one of 1 MiB, as partitions of parameters are unless they say
/// otherwise, is half of a huge page. Each half goes back to the system by itself.
static int is_half_a_page(size_t bytes) {
    return bytes == bytes_to_map && 2 * bytes == huge_page;
}

static void *system_allocate(size_t bytes) {
    return bytes < bytes_to_map ? aligned_alloc(MW_STORAGE_ALIGNMENT, bytes) : map_block(bytes);
}

static void system_free(void *block, size_t bytes) {
    if (bytes < bytes_to_map) {
        free(block);
    } else {
        munmap(block, bytes);
    }
}

static void add_live(size_t bytes) {
    const size_t live = atomic_fetch_add_explicit(&live_bytes, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&peak_live_bytes, memory_order_relaxed);
    while (live > peak && !atomic_compare_exchange_weak_explicit(
                              &peak_live_bytes, &peak, live, memory_order_relaxed, memory_order_relaxed)) {
    }
}

static void touch(size_class *list) {
    const uint64_t now = atomic_load_explicit(&miss_clock, memory_order_relaxed);
    atomic_store_explicit(&list->last_use, now, memory_order_relaxed);
}

/// Takes a released block of a class, if there is one. With its lock held.
static free_block *pop(size_class *list, size_t bytes) {
    free_block *block = list->head;
    if (block != NULL) {
        list->head = block->next;
        const size_t cached = atomic_load_explicit(&list->cached, memory_order_relaxed);
        atomic_store_explicit(&list->cached, cached - 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&cached_bytes, bytes, memory_order_relaxed);
    }
    return block;
}

/// Gives blocks of the class that has gone unused for longest back to the system, class after class, until at most
/// `keep_bytes` are cached.
static void shrink_cache(size_t keep_bytes) {
    while (atomic_load_explicit(&cached_bytes, memory_order_relaxed) > keep_bytes) {
        int oldest = -1;
        uint64_t oldest_use = UINT64_MAX;
        for (int i = 0; i < class_count; i++) {
            const uint64_t use = atomic_load_explicit(&classes[i].last_use, memory_order_relaxed);
            if (atomic_load_explicit(&classes[i].cached, memory_order_relaxed) > 0 && use < oldest_use) {
                oldest = i;
                oldest_use = use;
            }
        }
        if (oldest < 0) {
            return;
        }
        size_class *list = &classes[oldest];
        while (atomic_load_explicit(&cached_bytes, memory_order_relaxed) > keep_bytes) {
            pthread_mutex_lock(&list->lock);
            const size_t bytes = class_bytes(oldest);
            free_block *block = pop(list, bytes);
            pthread_mutex_unlock(&list->lock);
            if (block == NULL) {
                break;
            }
            system_free(block, bytes);
        }
    }
}

/// Puts a block into its class's list. With its lock held. Returns the bytes in all lists.
static size_t push(size_class *list, free_block *block, size_t bytes) {
    block->next = list->head;
    list->head = block;
    const size_t cached = atomic_load_explicit(&list->cached, memory_order_relaxed);
    atomic_store_explicit(&list->cached, cached + 1, memory_order_relaxed);
    touch(list);
    return atomic_fetch_add_explicit(&cached_bytes, bytes, memory_order_relaxed) + bytes;
}

/// Maps a huge page for two blocks, of which the other one is cached; NULL where the cache has no room for it.
static void *allocate_half_a_page(size_class *list, size_t bytes) {
    const size_t limit = atomic_load_explicit(&cache_limit, memory_order_relaxed);
    if (atomic_load_explicit(&cached_bytes, memory_order_relaxed) + bytes > limit) {
        return NULL;
    }
    char *block = map_block(2 * bytes);
    if (block != NULL) {
        pthread_mutex_lock(&list->lock);
        (void)push(list, (free_block *)(block + bytes), bytes);
        pthread_mutex_unlock(&list->lock);
    }
    return block;
}

void *mw_storage_allocate(size_t bytes) {
    pthread_once(&once, start);
    const int class_index = class_of(bytes);
    if (class_index < 0) {
        return NULL;
    }
    const size_t size = class_bytes(class_index);
    size_class *list = &classes[class_index];
    pthread_mutex_lock(&list->lock);
    void *block = pop(list, size);
    if (block != NULL) {
        list->live++;
        list->reused++;
    }
    touch(list);
    pthread_mutex_unlock(&list->lock);
    if (block == NULL) {
        atomic_fetch_add_explicit(&miss_clock, 1, memory_order_relaxed);
        block = is_half_a_page(size) ? allocate_half_a_page(list, size) : NULL;
        if (block == NULL) {
            block = system_allocate(size);
        }
        if (block == NULL) {
            // What is cached in other sizes may be what is missing.
            shrink_cache(0);
            block = system_allocate(size);
        }
        if (block == NULL) {
            return NULL;
        }
        pthread_mutex_lock(&list->lock);
        list->live++;
        list->allocated++;
        touch(list);
        pthread_mutex_unlock(&list->lock);
    }
    add_live(size);
    return block;
}

void mw_storage_release(void *block, size_t bytes) {
    const int class_index = class_of(bytes);
    const size_t size = class_bytes(class_index);
    size_class *list = &classes[class_index];
    const size_t limit = atomic_load_explicit(&cache_limit, memory_order_relaxed);
    const int is_kept = size <= limit;
    atomic_fetch_sub_explicit(&live_bytes, size, memory_order_relaxed);
    size_t total = 0;
    pthread_mutex_lock(&list->lock);
    list->live--;
    if (is_kept) {
        total = push(list, block, size);
    }
    pthread_mutex_unlock(&list->lock);
    if (!is_kept) {
        system_free(block, size);
    } else if (total > limit) {
        shrink_cache(limit);
    }
}

void mw_storage_trim(size_t keep_bytes) {
    pthread_once(&once, start);
    shrink_cache(keep_bytes);
#if defined(__GLIBC__)
    // The C library keeps what lies between blocks that are in use.
    malloc_trim(0);
#endif
}

void mw_storage_set_cache_limit(size_t bytes) {
    pthread_once(&once, start);
    atomic_store_explicit(&cache_limit, bytes, memory_order_relaxed);
    shrink_cache(bytes);
}

mw_storage_statistics mw_storage_current_statistics(void) {
    pthread_once(&once, start);
    mw_storage_statistics statistics = {
        .live_bytes = atomic_load_explicit(&live_bytes, memory_order_relaxed),
        .peak_live_bytes = atomic_load_explicit(&peak_live_bytes, memory_order_relaxed),
        .cached_bytes = atomic_load_explicit(&cached_bytes, memory_order_relaxed),
        .cache_limit = atomic_load_explicit(&cache_limit, memory_order_relaxed),
    };
    for (int i = 0; i < class_count; i++) {
        size_class *list = &classes[i];
        pthread_mutex_lock(&list->lock);
        statistics.live_blocks += list->live;
        statistics.cached_blocks += atomic_load_explicit(&list->cached, memory_order_relaxed);
        statistics.reused += list->reused;
        statistics.allocated += list->allocated;
        pthread_mutex_unlock(&list->lock);
    }
    return statistics;
}
