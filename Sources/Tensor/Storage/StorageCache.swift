import CTensorKernels

/// What the storage allocator keeps of released memory, so that the next tensors need not ask the system for it. It is
/// that of the whole process; ``StorageStatistics/cachedBytes`` tells how much there is.
///
/// ```swift
/// StorageCache.limit = 64 << 20     // a small machine
/// StorageCache.trim()               // after a peak: an import, a large batch
/// ```
public enum StorageCache {
    /// The bytes above which released memory goes back to the system, what went unused for longest first; 256 MiB
    /// unless changed. With 0 nothing is kept, and every large temporary costs the system's page faults. Traps for a
    /// negative number.
    public static var limit: Int {
        get { Int(mw_storage_current_statistics().cache_limit) }
        set {
            precondition(newValue >= 0, "a cache cannot hold \(newValue) bytes")
            mw_storage_set_cache_limit(newValue)
        }
    }

    /// Gives cached memory back to the system until at most `byteCount` bytes are kept; what tensors hold stays. Traps
    /// for a negative number.
    public static func trim(to byteCount: Int = 0) {
        precondition(byteCount >= 0, "a cache cannot hold \(byteCount) bytes")
        mw_storage_trim(byteCount)
    }
}
