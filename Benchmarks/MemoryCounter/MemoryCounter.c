// Counts what a process allocates and copies, by standing before the C library: a process that is started with this
// library in LD_PRELOAD finds these functions first. The allocator itself stays glibc's.

#ifdef __linux__

#define _GNU_SOURCE
#include "MemoryCounter.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

/// Smaller copies are not counted: they are heads and headers.
enum { SMALLEST_COPY = 4096 };

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Atomic uint64_t allocations;
static _Atomic uint64_t releases;
static _Atomic int64_t live_bytes;
static _Atomic uint64_t copied_bytes;

static void *given(void *memory) {
    if (memory) {
        atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&live_bytes, (int64_t)malloc_usable_size(memory), memory_order_relaxed);
    }
    return memory;
}

static void taken(size_t bytes) {
    atomic_fetch_add_explicit(&releases, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&live_bytes, (int64_t)bytes, memory_order_relaxed);
}

void *malloc(size_t bytes) { return given(__libc_malloc(bytes)); }

void *calloc(size_t count, size_t bytes) { return given(__libc_calloc(count, bytes)); }

void *realloc(void *memory, size_t bytes) {
    size_t old = memory ? malloc_usable_size(memory) : 0;
    void *moved = __libc_realloc(memory, bytes);
    // Without bytes the memory is released; without memory for them it stays as it is.
    if (memory && (moved || bytes == 0)) taken(old);
    return given(moved);
}

void *memalign(size_t alignment, size_t bytes) { return given(__libc_memalign(alignment, bytes)); }

void *aligned_alloc(size_t alignment, size_t bytes) { return given(__libc_memalign(alignment, bytes)); }

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *found = given(__libc_memalign(alignment, bytes));
    if (!found) return ENOMEM;
    *memory = found;
    return 0;
}

void free(void *memory) {
    if (!memory) return;
    taken(malloc_usable_size(memory));
    __libc_free(memory);
}

typedef void *(*copy_function)(void *, const void *, size_t);

static copy_function next_memcpy;
static copy_function next_memmove;

/// Moves bytes before the C library's functions have been found, while the program is being loaded.
__attribute__((no_builtin)) static void *move_bytes(void *target, const void *source, size_t bytes) {
    char *to = target;
    const char *from = source;
    if (to < from) {
        for (size_t index = 0; index < bytes; index++) to[index] = from[index];
    } else {
        for (size_t index = bytes; index > 0; index--) to[index - 1] = from[index - 1];
    }
    return target;
}

__attribute__((constructor)) static void find_copies(void) {
    next_memmove = (copy_function)dlsym(RTLD_NEXT, "memmove");
    next_memcpy = (copy_function)dlsym(RTLD_NEXT, "memcpy");
}

static void *copy(copy_function next, void *target, const void *source, size_t bytes) {
    if (bytes >= SMALLEST_COPY) atomic_fetch_add_explicit(&copied_bytes, bytes, memory_order_relaxed);
    return next ? next(target, source, bytes) : move_bytes(target, source, bytes);
}

void *memcpy(void *target, const void *source, size_t bytes) { return copy(next_memcpy, target, source, bytes); }

void *memmove(void *target, const void *source, size_t bytes) { return copy(next_memmove, target, source, bytes); }

void memory_counter_read(uint64_t counts[4]) {
    counts[0] = atomic_load(&allocations);
    counts[1] = atomic_load(&releases);
    counts[2] = (uint64_t)atomic_load(&live_bytes);
    counts[3] = atomic_load(&copied_bytes);
}

#endif
