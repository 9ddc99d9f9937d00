import Foundation
import NIOCore
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
        let clockAfter = { (work: (Int) -> Void) -> Double in
            perStep(steps) { step in
                work(step)
                return clock()
            }
        }
        for _ in 0..<count {
            let clock = clockAfter { _ in }
            rounds.add(clock, to: "clock")
            // Beyond the clock of the same round: what slows the machine down slows both.
            rounds.add(
                clockAfter { histogram.record(nanoseconds: durations[$0 & 1_023], on: shard) } - clock, to: "shard")
            rounds.add(clockAfter { histogram.record(nanoseconds: durations[$0 & 1_023]) } - clock, to: "anywhere")
            rounds.add(clockAfter { scanned.record(Double(durations[$0 & 1_023]) / 1e9) } - clock, to: "classic")
            rounds.add(
                onTwoThreads(steps) {
                    let shard = registry.makeShard()
                    return { histogram.record(nanoseconds: durations[$0 & 1_023], on: shard) }
                }, to: "2 shards")
            rounds.add(
                onTwoThreads(steps) { { histogram.record(nanoseconds: durations[$0 & 1_023]) } }, to: "2 anywhere")
            rounds.add(
                onTwoThreads(steps) { { scanned.record(Double(durations[$0 & 1_023]) / 1e9) } }, to: "2 classic")
            rounds.add(
                onTwoThreads(steps) {
                    let shard = registry.makeShard()
                    return { _ in counter.increment(on: shard) }
                }, to: "2 counts on shards")
            rounds.add(onTwoThreads(steps) { { _ in counter.increment() } }, to: "2 counts anywhere")
        }
        func add(
            _ name: String, _ side: String, beside peer: (side: String, name: String)? = nil, target: Double? = nil,
            threads: Int = 1
        ) {
            report.add(
                TelemetryCosts.figure(
                    name, "ns", rounds.median(side), peer: peer.map { (rounds.median($0.side), $0.name) },
                    target: target, threads: threads))
        }
        let peer = "mutex and 14 buckets"
        add("reading the clock", "clock")
        add("a latency on a shard, beyond the clock", "shard", target: 15)
        add("a latency on a shard, beside the peer's", "shard", beside: ("classic", peer), target: 1)
        add("a latency from anywhere, beyond the clock", "anywhere", beside: ("classic", peer))
        add("a latency on each of two shards", "2 shards", beside: ("2 classic", peer), target: 1, threads: 2)
        add("a latency from anywhere, two threads", "2 anywhere", beside: ("2 classic", peer), threads: 2)
        add(
            "a count on each of two shards", "2 counts on shards", beside: ("2 counts anywhere", "atomic additions"),
            threads: 2)
    }

    /// The clock that the mesh reads.
    private static func clock() -> Int64 { Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds) }

    /// Nanoseconds that the processor takes for a step: what other processes do on its cores is not in them.
    private static func perStep(_ steps: Int, _ step: (Int) -> Int64) -> Double {
        let start = ProcessReport.processorSeconds()
        var sum: Int64 = 0
        for index in 0..<steps { sum &+= step(index) }
        let end = ProcessReport.processorSeconds()
        // Always true; the compiler does not know.
        precondition(sum != 0 || steps == 0)
        return (end - start) * 1e9 / Double(steps)
    }

    /// The same on two threads at once; each makes its own work there.
    private static func onTwoThreads(_ steps: Int, _ work: @escaping @Sendable () -> (Int) -> Void) -> Double {
        let done = DispatchGroup()
        let start = ProcessReport.processorSeconds()
        for _ in 0..<2 {
            done.enter()
            Thread.detachNewThread {
                let step = work()
                for index in 0..<steps { step(index) }
                done.leave()
            }
        }
        done.wait()
        return (ProcessReport.processorSeconds() - start) * 1e9 / Double(2 * steps)
    }
}
