import CTensorKernels
import Foundation
import Synchronization
import Testing

/// Many threads that use the pool in every way at once: regions of different budgets, loops inside chunks, and jobs
/// that run regions of their own.
@Suite struct PoolStressTests {
    /// A call of `mw_parallel_for`. A chunk counts in its own element without synchronisation, so that the Thread
    /// Sanitizer sees a chunk that two threads run, and a caller that returns before its chunks have.
    @safe final class Region {
        private let counts: UnsafeMutableBufferPointer<Int>
        private let nestedChunks: Int
        private let threads = Atomic(0)
        private let mostThreads = Atomic(0)

        init(chunks: Int, nestedChunks: Int) {
            unsafe counts = .allocate(capacity: chunks)
            unsafe counts.initialize(repeating: 0)
            self.nestedChunks = nestedChunks
        }

        deinit { unsafe counts.deallocate() }

        private func runChunk(_ chunk: Int) {
            let now = threads.add(1, ordering: .relaxed).newValue
            mostThreads.max(now, ordering: .relaxed)
            // Safe: each chunk has an element of its own, and `run` returns after all of them.
            unsafe counts[chunk] += 1
            // Time for other threads to join, also where all share a core.
            sched_yield()
            unsafe mw_parallel_for(
                nestedChunks, 0,
                { context, _ in
                    unsafe context!.assumingMemoryBound(to: Int.self).pointee += 1
                    sched_yield()
                }, counts.baseAddress! + chunk)
            threads.subtract(1, ordering: .relaxed)
        }

        /// Runs the region. Returns what was wrong with it, or nil.
        func run(budget: Int) -> String? {
            let allowed = mw_pool_threads_for(budget)
            // Safe: the region outlives the call, which ends after its last chunk.
            unsafe mw_parallel_for(
                counts.count, budget,
                { context, chunk in unsafe Unmanaged<Region>.fromOpaque(context!).takeUnretainedValue().runChunk(chunk)
                },
                Unmanaged.passUnretained(self).toOpaque())
            if let chunk = unsafe counts.firstIndex(where: { $0 != 1 + nestedChunks }) {
                return unsafe "chunk \(chunk) of \(counts.count) counts \(counts[chunk]), not \(1 + nestedChunks)"
            }
            let most = mostThreads.load(ordering: .relaxed)
            return most > allowed ? "\(most) threads at once, \(allowed) allowed" : nil
        }
    }

    /// The failures of many threads, and how many of their jobs have ended.
    final class Findings: Sendable {
        let failures = Mutex<[String]>([])
        let pending = DispatchGroup()

        func add(_ failure: String?) {
            guard let failure else { return }
            failures.withLock { $0.append(failure) }
        }
    }

    /// Queues a job that runs a region. Returns false if the pool did not take it.
    static func submitJob(to findings: Findings) -> Bool {
        findings.pending.enter()
        let reference = unsafe Unmanaged.passRetained(findings)
        // Safe: the job takes the reference back, once.
        let queued = unsafe mw_pool_submit(
            { context in
                let findings = unsafe Unmanaged<Findings>.fromOpaque(context!).takeRetainedValue()
                findings.add(mw_pool_is_worker() ? nil : "a job on a thread that is not the pool's")
                findings.add(Region(chunks: 5, nestedChunks: 1).run(budget: 0))
                findings.pending.leave()
            }, reference.toOpaque())
        if !queued {
            unsafe reference.release()
            findings.pending.leave()
        }
        return queued
    }

    @Test("regions, nested loops and jobs of many threads: each chunk runs once, on no more threads than allowed")
    func everythingAtOnce() {
        let findings = Findings()
        for seed in 1...UInt64(8) {
            findings.pending.enter()
            Thread.detachNewThread {
                var state = seed
                func next(below bound: Int) -> Int {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Int(state >> 33) % bound
                }
                for _ in 0..<150 {
                    let bound = mw_pool_set_thread_budget(next(below: 4))
                    let chunks = next(below: 24)
                    // What the only chunk of a region calls may be shared: its chunks would count side by side.
                    let region = Region(chunks: chunks, nestedChunks: chunks == 1 ? 0 : next(below: 3))
                    findings.add(region.run(budget: next(below: 5)))
                    mw_pool_set_thread_budget(bound)
                    if next(below: 4) == 0, !Self.submitJob(to: findings) {
                        findings.add("a job that was not queued")
                    }
                    // Now and then long enough for idle workers to fall asleep.
                    if next(below: 30) == 0 { usleep(200) }
                }
                findings.pending.leave()
            }
        }
        let ending = findings.pending.wait(timeout: .now() + .seconds(300))
        #expect(ending == .success, "a thread or a job has not ended")
        #expect(findings.failures.withLock { $0 } == [])
    }
}
