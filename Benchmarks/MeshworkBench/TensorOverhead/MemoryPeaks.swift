import CTensorKernels
import Tensor

/// How much memory an expression takes at once, and what is left of it afterwards.
enum MemoryPeaks {
    private static let mebibyte = 1 << 20

    static func run(into report: inout Report) throws {
        Progress.say("memory")
        let temporaries = temporariesOfExpression()
        mw_storage_trim(0)
        let before = try ProcessReport.current().residentBytes
        holdAtOnce(tensors: 128)
        let kept = mw_storage_current_statistics()
        let resident = try ProcessReport.current().residentBytes
        mw_storage_trim(0)
        let trimmed = try ProcessReport.current().residentBytes
        func add(_ name: String, _ bytes: Int, target bytesAtMost: Int? = nil) {
            report.add(
                TensorOverhead.figure(
                    name, "MiB", Double(bytes) / Double(mebibyte),
                    target: bytesAtMost.map { Double($0) / Double(mebibyte) }))
        }
        add("temporaries of a·b + c, operands of 64 MiB", temporaries, target: 64 * mebibyte)
        add("kept for reuse after a peak of 512 MiB", Int(kept.cached_bytes), target: Int(kept.cache_limit))
        add("resident after that peak, beyond before", resident - before)
        add("kept for reuse after a trim", StorageStatistics.current.cachedBytes, target: 0)
        add("resident after a trim, beyond before", trimmed - before)
    }

    /// Writes so many tensors of 4 MiB, and lets go of all of them.
    private static func holdAtOnce(tensors count: Int) {
        let tensors = (0..<count).map { Tensor<Float>(repeating: Float($0), shape: [mebibyte]) }
        withExtendedLifetime(tensors) {}
    }

    /// Bytes of storage that an expression had at most beside its operands; its result is in that.
    private static func temporariesOfExpression() -> Int {
        let a = Tensor<Float>(repeating: 2, shape: [16 * mebibyte])
        let b = Tensor<Float>(repeating: 3, shape: [16 * mebibyte])
        let c = Tensor<Float>(repeating: 4, shape: [16 * mebibyte])
        // The peak is that of the process's life: what was more before is filled with a block that nobody touches.
        let earlier = StorageStatistics.current
        let filled = earlier.peakLiveBytes - earlier.liveBytes
        guard let filler = unsafe mw_storage_allocate(filled) else {
            preconditionFailure("no memory for \(filled) bytes")
        }
        // Released once, with the size that it was asked for with.
        defer { unsafe mw_storage_release(filler, filled) }
        let live = StorageStatistics.current.liveBytes
        let result = a * b + c
        return withExtendedLifetime((a, b, c, result)) { StorageStatistics.current.peakLiveBytes - live }
    }
}
