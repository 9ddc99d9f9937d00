import Testing

@testable import Telemetry

@Suite struct TraceSamplerTests {
    @Test("the share of roots that are recorded is the ratio", arguments: [0, 0.001, 0.25, 0.5, 0.999, 1])
    func share(ratio: Double) {
        let seed: UInt64 = 0x5A
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let sampler = TraceSampler(ratio: ratio)
        let count = (0..<50_000).count { _ in sampler.samples(root: TraceID(using: &generator)) }
        #expect(abs(Double(count) / 50_000 - ratio) < 0.01)
        if ratio == 0 { #expect(count == 0) }
        if ratio == 1 { #expect(count == 50_000) }
    }

    @Test("a trace that a small ratio records, a larger one records too")
    func consistent() {
        var generator = SeededGenerator(seed: 1)
        let (few, many) = (TraceSampler(ratio: 0.1), TraceSampler(ratio: 0.3))
        for _ in 0..<2_000 {
            let trace = TraceID(using: &generator)
            #expect(!few.samples(root: trace) || many.samples(root: trace))
        }
    }

    @Test("a parent decides for its children, whatever the ratio")
    func parents() throws {
        let sampled = try #require(TraceContext(traceparent: TraceContextTests.example))
        var unsampled = sampled
        unsampled.isSampled = false
        #expect(TraceSampler.never.samples(sampled.traceID, parent: sampled))
        #expect(!TraceSampler.always.samples(sampled.traceID, parent: unsampled))
        #expect(TraceSampler.always.samples(sampled.traceID, parent: nil))
        #expect(!TraceSampler.never.samples(sampled.traceID, parent: nil))
    }

    @Test("a ratio outside of 0 to 1 counts as the nearer of them")
    func clamped() {
        #expect(TraceSampler(ratio: -1).ratio == 0)
        #expect(TraceSampler(ratio: 2).ratio == 1)
        #expect(TraceSampler(ratio: .nan).ratio == 0)
    }
}
