#ifndef MEMORY_COUNTER_H
#define MEMORY_COUNTER_H

#include <stdint.h>

/// Reads what the process has allocated and copied since it began:
/// - 0: calls of malloc, calloc, realloc, posix_memalign, aligned_alloc and memalign that gave memory;
/// - 1: calls of free, and of realloc, that took memory back;
/// - 2: the bytes that are allocated and not released, as the allocator rounds them;
/// - 3: the bytes of all calls of memcpy and memmove that moved 4 KiB or more.
void memory_counter_read(uint64_t counts[4]);

#endif
