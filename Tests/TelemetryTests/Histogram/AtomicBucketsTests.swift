import Testing

@testable import Telemetry

@Suite struct AtomicBucketsTests {
    @Test("no count is lost when many tasks count in the same and in new octaves")
    func concurrent() async {
        final class Shared: Sendable {
            let buckets = AtomicBuckets()
        }
        let shared = Shared()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for step in 0..<2_000 {
                        shared.buckets.increment(at: (step * 7 + task) % ExponentialBuckets.count)
                    }
                }
            }
        }
        var total: UInt64 = 0
        var positions: [Int] = []
        shared.buckets.forEach { position, count in
            total += count
            positions.append(position)
        }
        #expect(total == 16_000)
        #expect(positions == Array(0..<ExponentialBuckets.count))
    }

    @Test("only touched buckets are seen")
    func sparse() {
        let buckets = AtomicBuckets()
        buckets.increment(at: 0)
        buckets.increment(at: ExponentialBuckets.count - 1)
        buckets.increment(at: ExponentialBuckets.count - 1)
        var seen: [[UInt64]] = []
        buckets.forEach { seen.append([UInt64($0), $1]) }
        #expect(seen == [[0, 1], [UInt64(ExponentialBuckets.count - 1), 2]])
    }
}
