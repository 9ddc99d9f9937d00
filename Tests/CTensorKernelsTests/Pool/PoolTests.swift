import CTensorKernels
import Foundation
import Testing

@Suite struct PoolTests {
    /// Counts how often each chunk ran.
    static func run(chunks: Int, budget: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: chunks)
        unsafe counts.withUnsafeMutableBufferPointer { counts in
            // Each chunk touches its own element, and the call ends after all of them.
            unsafe mw_parallel_for(
                chunks, budget, { context, chunk in unsafe context!.assumingMemoryBound(to: Int.self)[chunk] += 1 },
                counts.baseAddress)
        }
        return counts
    }

    @Test("every chunk runs exactly once, whatever the budget", arguments: [0, 1, 2, 3, 1000])
    func everyChunkRunsOnce(budget: Int) {
        for chunks in [0, 1, 2, 3, 17, 1000] {
            #expect(Self.run(chunks: chunks, budget: budget) == [Int](repeating: 1, count: chunks))
        }
    }

    @Test("a loop inside a chunk runs inline and ends")
    func nestedLoops() {
        var counts = [Int](repeating: 0, count: 8 * 9)
        unsafe counts.withUnsafeMutableBufferPointer { counts in
            // Outer chunk i owns elements 9 i ..< 9 (i + 1).
            unsafe mw_parallel_for(
                8, 0,
                { context, outer in
                    let row = unsafe context!.assumingMemoryBound(to: Int.self) + 9 * outer
                    unsafe mw_parallel_for(
                        9, 0, { context, inner in unsafe context!.assumingMemoryBound(to: Int.self)[inner] += 1 }, row)
                }, counts.baseAddress)
        }
        #expect(counts == [Int](repeating: 1, count: 72))
    }

    @Test("a loop inside a loop of one thread stays on that thread, whether or not a chunk is the only one")
    func nestedInsideOneThread() {
        for outerChunks in [1, 4] {
            // Which thread ran each inner chunk.
            var threads = [UInt64](repeating: 0, count: 64)
            unsafe threads.withUnsafeMutableBufferPointer { threads in
                // Each inner chunk writes its own element, and the calls end after all of them.
                unsafe mw_parallel_for(
                    outerChunks, 1,
                    { context, _ in
                        unsafe mw_parallel_for(
                            64, 0,
                            { context, inner in
                                unsafe context!.assumingMemoryBound(to: UInt64.self)[inner] = UInt64(pthread_self())
                                // Time for other threads to join.
                                usleep(20)
                            }, context)
                    }, threads.baseAddress)
            }
            #expect(threads == [UInt64](repeating: UInt64(pthread_self()), count: 64))
        }
    }

    @Test("loops of many threads at once all end")
    func concurrentLoops() async {
        await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<16 {
                group.addTask { Self.run(chunks: 100, budget: 0) }
            }
            for await counts in group {
                #expect(counts == [Int](repeating: 1, count: 100))
            }
        }
    }

    @Test("a submitted job runs on a pool thread, and may run a loop of its own")
    func jobs() async {
        final class Job: Sendable {
            let continuation: CheckedContinuation<(Bool, [Int]), Never>
            init(_ continuation: CheckedContinuation<(Bool, [Int]), Never>) { self.continuation = continuation }
        }
        for _ in 0..<50 {
            let (onWorker, counts) = await withCheckedContinuation { continuation in
                let job = unsafe Unmanaged.passRetained(Job(continuation)).toOpaque()
                // The job takes the reference back, once.
                let queued = unsafe mw_pool_submit(
                    { context in
                        let job = unsafe Unmanaged<Job>.fromOpaque(context!).takeRetainedValue()
                        job.continuation.resume(returning: (mw_pool_is_worker(), PoolTests.run(chunks: 40, budget: 0)))
                    }, job)
                #expect(queued)
            }
            #expect(onWorker)
            #expect(counts == [Int](repeating: 1, count: 40))
        }
        #expect(!mw_pool_is_worker())
    }

    @Test("the pool is at least one thread wide, and no wider than the machine")
    func width() {
        #expect(mw_pool_width() >= 1)
        #expect(mw_pool_width() <= ProcessInfo.processInfo.processorCount)
    }
}
