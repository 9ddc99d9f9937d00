// The allocator behind tensor storage: aligned blocks that are kept for reuse when they are released.
//
// Memory that goes back to the system and is taken again faults in page by page: with two live temporaries a 1 MiB
// addition is 12 times slower over malloc. Blocks therefore go to a free list of their size class (four classes to
// each doubling, so at most a fifth is wasted), bounded by a limit; when it is reached, the size class that has gone
// unused for longest gives up its blocks first.
//
// Every function is safe to call from any thread, and after fork().
#ifndef MESHWORK_ALLOCATOR_H
#define MESHWORK_ALLOCATOR_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Alignment of every block, in bytes: a cache line, and the widest vector.
#define MW_STORAGE_ALIGNMENT 64

/// What the allocator holds. Bytes are those of size classes, not of requests.
typedef struct mw_storage_statistics {
    /// In use by callers.
    size_t live_bytes;
    size_t live_blocks;
    /// The largest `live_bytes` so far.
    size_t peak_live_bytes;
    /// Released and kept for reuse.
    size_t cached_bytes;
    size_t cached_blocks;
    /// Bytes above which released blocks are not kept.
    size_t cache_limit;
    /// Allocations served from the cache, and from the system.
    uint64_t reused;
    uint64_t allocated;
} mw_storage_statistics;

/// A block of at least `bytes` bytes with undefined contents, or NULL when the system has none left.
/// A block of 0 bytes is a real one. Release it with the same `bytes`.
void *_Nullable mw_storage_allocate(size_t bytes);

/// Gives back a block of `mw_storage_allocate(bytes)`.
void mw_storage_release(void *block, size_t bytes);

/// Returns cached blocks to the system until at most `keep_bytes` remain cached.
void mw_storage_trim(size_t keep_bytes);

/// Changes the limit on cached bytes (at first 256 MiB) and trims to it.
void mw_storage_set_cache_limit(size_t bytes);

/// A snapshot; the figures are each exact, but not taken at one instant.
mw_storage_statistics mw_storage_current_statistics(void);

#pragma clang assume_nonnull end

#endif
