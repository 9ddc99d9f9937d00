import MeshWire
import NIOCore
import Testing

@Suite struct ClientConnectionStateTests {
    private func error(_ change: (inout RawFrames) -> Void) throws -> WireError.Code? {
        var client = try ClientUnderTest()
        _ = client.open()
        var frames = RawFrames()
        change(&frames)
        return wireError { () throws(WireError) in _ = try client.receive(frames) }
    }

    @Test("methods are declared in ascending order and called by number")
    func declaring() throws {
        var client = try ClientUnderTest()
        _ = try client.sent()
        for request in ["a.Q", "a.Q", "a.Other", "a.Q"] { _ = client.open(request: request) }
        let kinds = try client.sent().map(\.kind)
        #expect(kinds == [.declare, .request, .request, .declare, .request, .request])
    }

    @Test("streams are given out in odd, ascending numbers")
    func streams() throws {
        var client = try ClientUnderTest()
        #expect([client.open(), client.open(), client.open()].map { $0?.rawValue } == [1, 3, 5])
        #expect(client.state.openStreams == 3)
    }

    @Test("an answer ends its call, in whatever frames it comes")
    func answer() throws {
        var client = try ClientUnderTest()
        let stream = try client.opened()
        var frames = RawFrames()
        frames.response(
            stream.rawValue, ReplyHead(layout: PayloadLayout(headLength: 2, segments: [.init(field: 9, length: 3)])),
            inline: [1])
        frames.add(.data, stream.rawValue, payload: [2, 3])
        let begun = try client.receive(frames)
        guard begun.count == 1, case .answering(stream) = begun[0] else {
            Issue.record("expected an answer that has begun, found \(begun)")
            return
        }
        frames = RawFrames()
        frames.add(.data, stream.rawValue, payload: [4, 5])
        guard case .response(stream, let head, let payload)? = try client.receive(frames).first else {
            Issue.record("expected the answer")
            return
        }
        #expect(head.status == .ok)
        #expect(Array(payload.head.readableBytesView) == [1, 2])
        #expect(payload.segments.map(\.segment.array) == [[3, 4, 5]])
        #expect(client.state.openStreams == 0)
    }

    @Test("frames that a server must not send end the connection")
    func unexpected() throws {
        #expect(try error { $0.request(3) } == .unexpectedFrame)
        #expect(try error { $0.declare(1) } == .unexpectedFrame)
        #expect(try error { $0.add(.cancel, 1) } == .unexpectedFrame)
        #expect(try error { $0.add(.data, 1, payload: [1]) } == .unexpectedFrame)
        #expect(try error { $0.response(3, ReplyHead()) } == .unexpectedFrame)
        #expect(try error { $0.response(2, ReplyHead()) } == .unexpectedFrame)
        #expect(try error { $0.response(0, ReplyHead()) } == .unexpectedFrame)
        #expect(try error { $0.add(.data, 3, payload: [1]) } == .unexpectedFrame)
        #expect(
            try error {
                $0.response(1, ReplyHead(layout: PayloadLayout(headLength: 1)))
                $0.response(1, ReplyHead())
            } == .unexpectedFrame)
    }

    @Test("an answer that is malformed ends the connection")
    func malformed() throws {
        #expect(try error { $0.add(.response, 1) } == .truncated)
        #expect(try error { $0.response(1, ReplyHead(), inline: [1]) } == .malformed)
        #expect(try error { $0.add(.goAway, 0, payload: [0x08]) } == .truncated)
    }

    @Test("an answer over a limit ends its call alone, before memory is set aside")
    func unreadable() throws {
        var large = Metadata()
        for _ in 0..<400 { large.append(Metadata.Entry(key: "key", value: "12345678")) }
        for head in [
            ReplyHead(layout: PayloadLayout(headLength: 5 << 20)),
            ReplyHead(layout: PayloadLayout(segments: [.init(field: 1, length: .max)])),
            ReplyHead(metadata: large),
        ] {
            var client = try ClientUnderTest()
            let (stream, other) = (try client.opened(), try client.opened())
            _ = try client.sent()
            var frames = RawFrames()
            frames.response(stream.rawValue, head)
            frames.add(.data, stream.rawValue, payload: [1, 2, 3])
            frames.response(other.rawValue, ReplyHead())
            let events = try client.receive(frames)
            guard case .unreadable(stream, let error)? = events.first, case .response(other, _, _)? = events.last else {
                Issue.record("expected one unreadable answer and one answer, found \(events)")
                return
            }
            #expect(error.code == .tooLarge)
            #expect(try client.sent().map(\.kind) == [.cancel])
        }
    }

    @Test("the answer of a call that was given up is ignored, with all its data")
    func cancelled() throws {
        var client = try ClientUnderTest()
        let stream = try client.opened()
        client.state.cancel(stream)
        client.state.cancel(stream)
        #expect(client.state.openStreams == 0)
        #expect(try client.sent().map(\.kind).filter { $0 == .cancel }.count == 1)
        var frames = RawFrames()
        frames.response(stream.rawValue, ReplyHead(layout: PayloadLayout(headLength: 4)), inline: [1])
        frames.add(.data, stream.rawValue, payload: [2, 3, 4])
        #expect(try client.receive(frames).isEmpty)
    }

    @Test("a call that is given up while it is sent sends no more")
    func cancelWhileSending() throws {
        var client = try ClientUnderTest()
        _ = try client.sent()
        let segment = Segment(copying: [UInt8](repeating: 1, count: 10 << 20))
        let stream = try client.opened(Payload(segments: [SegmentField(number: 1, segment: segment)]))
        for _ in 0..<3 { #expect(client.state.nextWrite() != nil) }
        client.state.cancel(stream)
        #expect(try client.sent().map(\.kind) == [.cancel])
    }

    @Test("a server that answers before it has read all is not sent the rest")
    func earlyAnswer() throws {
        var client = try ClientUnderTest()
        _ = try client.sent()
        let segment = Segment(copying: [UInt8](repeating: 1, count: 10 << 20))
        let stream = try client.opened(Payload(segments: [SegmentField(number: 1, segment: segment)]))
        #expect(client.state.nextWrite() != nil)
        var frames = RawFrames()
        frames.response(stream.rawValue, ReplyHead(status: .resourceExhausted, hasNotRun: true))
        #expect(try client.receive(frames).count == 1)
        #expect(try client.sent().map(\.kind) == [.cancel])
    }

    @Test("goAway says which calls were not taken, in order, and no new ones are opened")
    func goAway() throws {
        var client = try ClientUnderTest()
        for _ in 0..<6 { _ = client.open() }
        var frames = RawFrames()
        frames.add(.goAway, 0, GoAway(lastStream: StreamID(rawValue: 5), reason: "restart"))
        guard case .goAway(let goAway, let notTaken)? = try client.receive(frames).first else {
            Issue.record("expected goAway")
            return
        }
        #expect(goAway.reason == "restart")
        #expect(notTaken.map(\.rawValue) == [7, 9, 11])
        #expect(client.state.takesCalls == false)
        #expect(client.open() == nil)
        #expect(client.state.openStreams == 3)
        frames = RawFrames()
        for stream: UInt32 in [3, 1, 5] { frames.response(stream, ReplyHead()) }
        #expect(try client.receive(frames).count == 3)
        #expect(client.state.openStreams == 0)
    }
}
