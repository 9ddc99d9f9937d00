import Testing

@testable import Telemetry

@Suite struct MetricsShardTests {
    @Test("the counts of shards, and of those that have none, add up while readers look")
    func addUp() async {
        let registry = MetricsRegistry()
        let counter = registry.counter("calls_total", help: "Calls.").series()
        let histogram = registry.histogram("wait_seconds", help: "Waiting.").series()
        let gauge = registry.gauge("open", help: "Open.").series()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<6 {
                group.addTask {
                    // Every third records as those do that own no shard.
                    let shard = task.isMultiple(of: 3) ? nil : registry.makeShard()
                    for step in 1...2_000 {
                        counter.increment(by: 2, on: shard)
                        histogram.record(nanoseconds: Int64(step * 1_000), on: shard)
                        gauge.add(0.5, on: shard)
                    }
                }
            }
            group.addTask {
                var last: UInt64 = 0
                for _ in 0..<200 {
                    let now = counter.value
                    #expect(now >= last)
                    last = now
                    _ = PrometheusText.render(registry)
                }
            }
        }
        #expect(counter.value == 24_000)
        #expect(histogram.snapshot().count == 12_000)
        #expect(histogram.snapshot().sum == 6 * 2.001)
        #expect(gauge.value == 6_000)
    }

    @Test("what a shard recorded stays when it goes, and its place is given to the next")
    func handedOn() {
        let registry = MetricsRegistry(maximumShards: 1)
        let counter = registry.counter("calls_total", help: "Calls.").series()
        for _ in 0..<10 {
            let shard = registry.makeShard()
            #expect(shard.place == 0)
            counter.increment(on: shard)
        }
        #expect(counter.value == 10)
    }

    @Test("a shard above the limit, of another registry, or of no registry's instrument records all the same")
    func strangers() {
        let registry = MetricsRegistry(maximumShards: 1)
        let counter = registry.counter("calls_total", help: "Calls.").series()
        let (first, second) = (registry.makeShard(), registry.makeShard())
        #expect(first.place == 0)
        #expect(second.place == nil)
        let stranger = MetricsRegistry().makeShard()
        for shard in [first, second, stranger, nil] { counter.increment(on: shard) }
        #expect(counter.value == 4)
        let alone = Counter()
        alone.increment(on: first)
        #expect(alone.value == 1)
        let none = MetricsRegistry(maximumShards: 0)
        let other = none.counter("calls_total", help: "Calls.").series()
        other.increment(on: none.makeShard())
        #expect(other.value == 1)
    }
}
