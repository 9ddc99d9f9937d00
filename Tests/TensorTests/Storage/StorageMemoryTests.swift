import Foundation
import Tensor
import Testing

/// Each in a process of its own: the allocator's figures are the process's.
@Suite("Storage memory")
struct StorageMemoryTests {
    @Test("a*b + c on 64 MiB operands takes the memory of one temporary", .enabled(if: isOptimised))
    func peakOfAnExpression() async {
        await #expect(processExitsWith: .success) {
            let bytes = 64 << 20
            let a = Tensor<Float>(repeating: 2, shape: [bytes / 4])
            let b = Tensor<Float>(repeating: 3, shape: [bytes / 4])
            let c = Tensor<Float>(repeating: 4, shape: [bytes / 4])
            let operands = StorageStatistics.current.liveBytes
            let result = a * b + c
            let peak = StorageStatistics.current.peakLiveBytes - operands
            precondition(peak == bytes, "\(peak) bytes beside the operands")
            precondition(result[0].scalar == 10 && result[-1].scalar == 10)
            extendLifetime((a, b, c))
        }
    }

    @Test("temporaries of a loop come from the cache once its first steps are done")
    func temporaries() async {
        await #expect(processExitsWith: .success) {
            let x = Tensor<Float>(repeating: 1, shape: [1 << 18])
            var warm = StorageStatistics.current
            var previous = x + x
            for step in 0..<20 {
                let next = x + x
                extendLifetime(previous)
                previous = next
                if step == 2 { warm = StorageStatistics.current }
            }
            let taken = StorageStatistics.current.allocations - warm.allocations
            let fromSystem = StorageStatistics.current.systemAllocations - warm.systemAllocations
            precondition(taken == 17 && fromSystem == 0, "\(taken), \(fromSystem) of them from the system")
            extendLifetime(previous)
        }
    }

    @Test("what a peak took is kept up to the limit, and goes back to the system by trimming")
    func afterAPeak() async {
        await #expect(processExitsWith: .success) {
            precondition(StorageCache.limit == 256 << 20)
            StorageCache.limit = 48 << 20
            let kept = Tensor<Float>(repeating: 7, shape: [1 << 20])
            peak(of: 40, bytesEach: 4 << 20)
            peak(of: 2_000, bytesEach: 24 << 10)
            let (cached, live) = (StorageStatistics.current.cachedBytes, StorageStatistics.current.liveBytes)
            precondition(cached > 40 << 20 && cached <= 48 << 20, "\(cached) bytes are cached")
            precondition(live == 4 << 20, "\(live) bytes are live")
            #if os(Linux)
                let before = try residentBytes()
            #endif
            StorageCache.trim()
            precondition(StorageStatistics.current.cachedBytes == 0)
            #if os(Linux)
                let returned = try before - residentBytes()
                // The sanitizers of addresses and of threads hold what is freed for a while.
                let isHeld = unsafe dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
                precondition(isHeld || returned > 40 << 20, "\(returned) bytes were returned")
            #endif
            precondition(kept[0].scalar == 7 && kept[-1].scalar == 7)
        }
    }

    @Test("a limit of nothing keeps nothing")
    func noCache() async {
        await #expect(processExitsWith: .success) {
            peak(of: 3, bytesEach: 1 << 20)
            StorageCache.limit = 0
            precondition(StorageStatistics.current.cachedBytes == 0)
            peak(of: 3, bytesEach: 1 << 20)
            precondition(StorageStatistics.current.cachedBytes == 0)
        }
    }

    @Test("a limit below nothing is the program's mistake")
    func negativeLimit() async {
        await #expect(processExitsWith: .failure) { StorageCache.limit = -1 }
        await #expect(processExitsWith: .failure) { StorageCache.trim(to: -1) }
    }
}

/// Holds `count` tensors of `bytesEach` at once, and lets them go.
private func peak(of count: Int, bytesEach: Int) {
    let tensors = (0..<count).map { Tensor<UInt8>(repeating: UInt8($0 % 256), shape: [bytesEach]) }
    precondition(StorageStatistics.current.liveBytes >= count * bytesEach)
    extendLifetime(tensors)
}

#if os(Linux)
    /// The bytes of this process that lie in memory.
    private func residentBytes() throws -> Int {
        let statistics = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return Int(statistics.split(separator: " ")[1])! * sysconf(Int32(_SC_PAGESIZE))
    }
#endif
