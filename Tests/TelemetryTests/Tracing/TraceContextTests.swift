import Testing

@testable import Telemetry

@Suite struct TraceContextTests {
    /// The example of the specification.
    static let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test("a traceparent is read into its parts and written as it was")
    func example() throws {
        let context = try #require(TraceContext(traceparent: Self.example))
        #expect(context.traceID.description == "0af7651916cd43dd8448eb211c80319c")
        #expect(context.spanID.description == "b7ad6b7169203331")
        #expect(context.isSampled)
        #expect(!context.isRandom)
        #expect(context.tracestate.isEmpty)
        #expect(context.traceparent == Self.example)
    }

    @Test(
        "flags that are defined are handed on, others are not",
        arguments: [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("04", "00"), ("ff", "03"), ("fd", "01")])
    func flags(given: String, sent: String) throws {
        let prefix = Self.example.dropLast(2)
        #expect(TraceContext(traceparent: prefix + given)?.traceparent == prefix + sent)
    }

    @Test(
        "a later version is read as far as it is known, and sent on as version 00",
        arguments: [
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be-like",
            "fe-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        ])
    func later(traceparent: String) {
        #expect(TraceContext(traceparent: traceparent)?.traceparent == Self.example)
    }

    @Test(
        "what is no traceparent is ignored, and its tracestate with it",
        arguments: [
            "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            // Zero identifiers.
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            // The version that is none, and a version 00 that goes on.
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",
            // Uppercase, other characters, other lengths, other separators.
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331-01",
            "0X-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333.-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-.1",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01,00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c8031é-b7ad6b7169203331-01",
        ])
    func refused(traceparent: String) {
        #expect(TraceContext(traceparent: traceparent, tracestate: "a=1") == nil)
    }

    @Test("a bad tracestate is left out and does not spoil the traceparent")
    func badState() throws {
        let context = try #require(TraceContext(traceparent: Self.example, tracestate: "a=1,=b"))
        #expect(context.tracestate.isEmpty)
        #expect(context.traceparent == Self.example)
        let good = try #require(TraceContext(traceparent: Self.example, tracestate: "a=1,b=2"))
        #expect(good.tracestate.description == "a=1,b=2")
    }

    @Test("a child has its parent's trace, flags and state, and a span of its own from the caller's generator")
    func child() throws {
        var generator = SeededGenerator(seed: 7)
        var parent = try #require(TraceContext(traceparent: Self.example, tracestate: "a=1"))
        parent.isRandom = true
        let child = parent.child(using: &generator)
        #expect(child.traceID == parent.traceID)
        #expect(child.spanID != parent.spanID)
        #expect(child.isSampled && child.isRandom)
        #expect(child.tracestate == parent.tracestate)
        var again = SeededGenerator(seed: 7)
        #expect(parent.child(using: &again) == child)
    }

    @Test("a root is random and says so; a restarted trace shares nothing with the one outside")
    func roots() throws {
        var generator = SeededGenerator(seed: 8)
        let root = TraceContext(root: .always, using: &generator)
        #expect(root.isSampled && root.isRandom)
        #expect(!TraceContext(root: .never, using: &generator).isSampled)
        let outside = try #require(TraceContext(traceparent: Self.example, tracestate: "a=1"))
        let inside = outside.restarted(.never, using: &generator)
        #expect(inside.traceID != outside.traceID)
        #expect(!inside.isSampled)
        #expect(inside.tracestate.isEmpty)
    }

    @Test("whatever is written is read back the same")
    func roundTrip() {
        let seed: UInt64 = 0x7ACE
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            let context = TraceContext(root: TraceSampler(ratio: 0.5), using: &generator)
            #expect(TraceContext(traceparent: context.traceparent) == context)
        }
    }
}
