import Foundation

/// How many files and sockets a process may have open.
enum DescriptorLimit {
    /// Raises this process's limit as far as it may.
    ///
    /// - Returns: the limit.
    @discardableResult
    static func raise() -> Int {
        var limit = rlimit()
        // The structure outlives the calls.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }

    /// Makes room for `connections` beside what a process has open anyway.
    static func require(_ connections: Int) throws {
        let needed = connections + 200
        let limit = raise()
        guard limit >= needed else {
            throw BenchmarkFailure(
                """
                \(connections) connections need \(needed) file descriptors in each process and the limit is \(limit): \
                raise it with `ulimit -Hn \(needed)` as root, or LimitNOFILE, and run this again
                """)
        }
    }
}
