import MeshWire
import NIOCore
import Testing

@Suite struct CallHeadTests {
    private func head(_ timeRemaining: Duration = .seconds(1)) -> CallHead {
        CallHead(
            method: 3, timeRemaining: timeRemaining,
            deduplication: Deduplication(
                session: SessionID(high: 1, low: 2),
                entries: [.init(scope: 0, sequence: 9, acknowledgedThrough: 8)]),
            metadata: ["trace": "abc"],
            layout: PayloadLayout(
                headLength: 5, segments: [.init(field: 2, length: 70_000), .init(field: 3, length: 0)]))
    }

    @Test("a head comes back as it was sent")
    func roundTrip() throws {
        let head = try Payload(head()).decode(as: CallHead.self)
        #expect(head.method == 3)
        #expect(head.timeRemaining == .seconds(1))
        #expect(head.deduplication?.session == SessionID(high: 1, low: 2))
        #expect(head.deduplication?.entries.first?.sequence == 9)
        #expect(head.metadata["trace"] == "abc")
        #expect(head.layout.headLength == 5)
        #expect(head.layout.segments.map(\.length) == [70_000, 0])
    }

    @Test("a trace comes back as it was sent, and a head without one has none")
    func trace() throws {
        #expect(try Payload(head()).decode(as: CallHead.self).trace == nil)
        let traces = [
            TraceParent(traceHigh: .max, traceLow: 1, span: 1 << 63, flags: 3, state: "a=b,c@d=e"),
            TraceParent(traceHigh: 0, traceLow: 0, span: 0, flags: .max, state: ""),
        ]
        for trace in traces {
            var sent = head()
            sent.trace = trace
            #expect(try Payload(sent).decode(as: CallHead.self).trace == trace)
        }
        // Of a call, 32 bytes.
        let usual = TraceParent(traceHigh: .max, traceLow: .max, span: .max, flags: 1, state: "")
        #expect(try Payload(usual).decode(as: TraceParent.self) == usual)
        #expect(encoded { usual.encode(to: &$0) }.count == 29)
    }

    @Test("time travels in whole microseconds, and what has run out is zero")
    func time() throws {
        func sent(_ duration: Duration) throws -> Duration {
            try Payload(head(duration)).decode(as: CallHead.self).timeRemaining
        }
        #expect(try sent(.nanoseconds(1_999)) == .microseconds(1))
        #expect(try sent(.zero) == .zero)
        #expect(try sent(.seconds(-5)) == .zero)
        #expect(try sent(.seconds(Int64.min)) == .zero)
        #expect(try sent(.seconds(Int64.max)) == .microseconds(Int64.max))
    }

    @Test("a time that no clock holds is a long time")
    func hostileTime() throws {
        for raw in [UInt64.max, 1 << 63, UInt64(Int64.max), 9_223_372_036_900_000] {
            let bytes = encoded { $0.uint64(2, raw) }
            let head = try Payload(head: ByteBuffer(bytes: bytes)).decode(as: CallHead.self)
            #expect(head.timeRemaining > .seconds(9_000_000_000))
            let deadline = RuntimeInstant(nanoseconds: 123_456_789).advanced(by: head.timeRemaining)
            #expect(deadline == RuntimeInstant(nanoseconds: .max))
        }
    }

    @Test("a call is compared with the limits of one side")
    func limits() throws {
        var limits = WireLimits()
        limits.messageBytes = 70_005
        #expect(try head().totalBytes(within: limits) == 70_005)
        for change: (inout WireLimits) -> Void in [
            { $0.messageBytes = 70_004 }, { $0.messageHeadBytes = 4 }, { $0.segments = 1 },
            { $0.metadataBytes = 5 + 3 + 31 }, { $0.deduplicationEntries = 0 },
        ] {
            var smaller = limits
            change(&smaller)
            #expect(wireError { () throws(WireError) in _ = try head().totalBytes(within: smaller) } == .tooLarge)
        }
    }

    @Test("a reply's head comes back as it was sent")
    func reply() throws {
        let sent = ReplyHead(
            status: .permissionDenied, message: "no", hasNotRun: true, layout: PayloadLayout(headLength: 1))
        let read = try Payload(sent).decode(as: ReplyHead.self)
        #expect(read.status == .permissionDenied)
        #expect(read.message == "no")
        #expect(read.hasNotRun)
        #expect(read.layout == sent.layout)
        #expect(read.pushback == nil)
    }

    @Test(
        "what a server says about trying again comes back in whole milliseconds",
        arguments: [
            (.never, .never), (.after(.zero), .after(.zero)), (.after(.seconds(-1)), .after(.zero)),
            (.after(.microseconds(2_999)), .after(.milliseconds(2))),
            (.after(.seconds(1 << 40)), .after(.milliseconds(Int64(Int32.max)))),
        ] as [(RetryPushback, RetryPushback)])
    func pushback(sent: RetryPushback, read: RetryPushback) throws {
        let head = try Payload(ReplyHead(status: .unavailable, pushback: sent)).decode(as: ReplyHead.self)
        #expect(head.pushback == read)
    }
}
