import CTensorKernels

/// What the storage allocator holds, for metrics and tests. The figures are those of the whole process.
public struct StorageStatistics: Sendable, Hashable {
    /// Bytes in use by tensors, rounded up to the allocator's size classes.
    public let liveBytes: Int
    /// The largest ``liveBytes`` so far.
    public let peakLiveBytes: Int
    /// Bytes that were released and are kept for reuse.
    public let cachedBytes: Int
    /// How many blocks were handed out since the process started, from the cache or from the system.
    public let allocations: UInt64
    /// How many of ``allocations`` the system had to serve.
    public let systemAllocations: UInt64

    /// The figures of this moment.
    public static var current: StorageStatistics {
        let statistics = mw_storage_current_statistics()
        return StorageStatistics(
            liveBytes: Int(statistics.live_bytes), peakLiveBytes: Int(statistics.peak_live_bytes),
            cachedBytes: Int(statistics.cached_bytes), allocations: statistics.reused &+ statistics.allocated,
            systemAllocations: statistics.allocated)
    }
}
