import Foundation
import Synchronization
import Telemetry

/// Nanoseconds for each of many recordings, of every way in turn.
enum Recording {
    static func run(rounds count: Int, steps: Int, into report: inout Report) {
        let registry = MetricsRegistry()
        let histogram = registry.histogram("wait_seconds", help: "").series()
        let counter = registry.counter("calls_total", help: "").series()
        let scanned = ClassicHistogram()
        // As a service has them, from 50 µs to 10 ms, and some of a second.
        let durations: [Int64] = (0..<1_024).map { step in
            let spread = Int64(step * 7_919 % 1_024)
            return spread.isMultiple(of: 100) ? 1_000_000_000 + spread : 50_000 + spread * spread * 10
        }
        let shard = registry.makeShard()
        var rounds = Rounds(count: count)
        for _ in 0..<count {
            rounds.add(perStep(steps) { _ in nanoseconds() }, to: "clock")
            rounds.add(
                perStep(steps) { step in
                    histogram.record(nanoseconds: durations[step & 1_023], on: shard)
                    return nanoseconds()
                }, to: "shard + clock")
            rounds.add(
                perStep(steps) { step in
                    histogram.record(nanoseconds: durations[step & 1_023])
                    return nanoseconds()
                }, to: "anywhere + clock")
            rounds.add(
                perStep(steps) { step in
                    scanned.record(Double(durations[step & 1_023]) / 1e9)
                    return nanoseconds()
                }, to: "classic + clock")
            rounds.add(
                perStep(steps) { step in
                    counter.increment(on: shard)
                    return Int64(step)
                }, to: "count on shard")
            rounds.add(
                perStep(steps) { step in
                    counter.increment()
                    return Int64(step)
                }, to: "count anywhere")
            rounds.add(
                onTwoThreads(steps) {
                    let shard = registry.makeShard()
                    return { histogram.record(nanoseconds: durations[$0 & 1_023], on: shard) }
                }, to: "2 shards")
            rounds.add(
                onTwoThreads(steps) { { histogram.record(nanoseconds: durations[$0 & 1_023]) } }, to: "2 anywhere")
            rounds.add(
                onTwoThreads(steps) { { scanned.record(Double(durations[$0 & 1_023]) / 1e9) } }, to: "2 classic")
        }
        let clock = rounds.median("clock")
        let peer = "mutex and 14 buckets"
        let beyond = { (side: String) in rounds.median(side) - clock }
        func add(
            _ name: String, _ ours: Double, peer: (Double, String)? = nil, target: Double? = nil, threads: Int = 1
        ) {
            report.add(TelemetryCosts.figure(name, "ns", ours, peer: peer, target: target, threads: threads))
        }
        let classic = (beyond("classic + clock"), peer)
        add("reading the clock", clock)
        add("a latency on a shard, beyond the clock", beyond("shard + clock"), target: 15)
        add("a latency on a shard, beside the peer's", beyond("shard + clock"), peer: classic, target: 1)
        add("a latency from anywhere, beyond the clock", beyond("anywhere + clock"), peer: classic)
        add(
            "a latency on each of two shards", rounds.median("2 shards"), peer: (rounds.median("2 classic"), peer),
            target: 1, threads: 2)
        add(
            "a latency from anywhere, two threads", rounds.median("2 anywhere"),
            peer: (rounds.median("2 classic"), peer), threads: 2)
        add(
            "a count on a shard", rounds.median("count on shard"),
            peer: (rounds.median("count anywhere"), "atomic addition"), target: 1)
    }

    private static func perStep(_ steps: Int, _ step: (Int) -> Int64) -> Double {
        let start = ThreadClock.nanoseconds
        var sum: Int64 = 0
        for index in 0..<steps { sum &+= step(index) }
        let end = ThreadClock.nanoseconds
        // Always true; the compiler does not know.
        precondition(sum != 0 || steps == 0)
        return Double(end - start) / Double(steps)
    }

    /// What a step takes on each of two threads at once; each makes its own work there.
    private static func onTwoThreads(_ steps: Int, _ work: @escaping @Sendable () -> (Int) -> Void) -> Double {
        let (total, done) = (Total(), DispatchGroup())
        for _ in 0..<2 {
            done.enter()
            Thread.detachNewThread {
                let step = work()
                let taken = perStep(steps) { index in
                    step(index)
                    return 1
                }
                total.nanoseconds.withLock { $0 += taken }
                done.leave()
            }
        }
        done.wait()
        return total.nanoseconds.withLock { $0 } / 2
    }

    private final class Total: Sendable {
        let nanoseconds = Mutex(0.0)
    }

    /// The clock that the mesh reads.
    private static func nanoseconds() -> Int64 { ThreadClock.read(CLOCK_MONOTONIC) }
}

/// The time that this thread has run, which another process on its core does not add to.
enum ThreadClock {
    static var nanoseconds: Int64 { read(CLOCK_THREAD_CPUTIME_ID) }

    static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // The address of a local variable, for the call alone.
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
