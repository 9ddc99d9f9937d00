import MeshWire
import NIOCore
import Testing

@Suite struct ServerConnectionStateTests {
    /// A server that has been greeted and knows method 1.
    private func server(_ change: (inout WireLimits) -> Void = { _ in }) throws -> ServerUnderTest {
        var limits = WireLimits()
        change(&limits)
        var server = try ServerUnderTest(limits)
        var frames = RawFrames.greeting
        frames.declare(1)
        _ = try server.receive(frames)
        return server
    }

    private func error(_ change: (inout RawFrames) -> Void) throws -> WireError.Code? {
        var server = try server()
        var frames = RawFrames()
        change(&frames)
        return wireError { () throws(WireError) in _ = try server.receive(frames) }
    }

    @Test("a call arrives whole, whatever frames its message comes in")
    func call() throws {
        var server = try server()
        var frames = RawFrames()
        frames.request(1, head: 4, segments: [3, 0, 2], inline: [1, 2])
        frames.add(.data, 1, payload: [3, 4, 5])
        #expect(try server.receive(frames).isEmpty)
        frames = RawFrames()
        frames.add(.data, 1, payload: [6, 7, 8])
        #expect(try server.receive(frames).isEmpty)
        frames = RawFrames()
        frames.add(.data, 1, payload: [9])
        let events = try server.receive(frames)
        guard case .call(let stream, let head, let payload)? = events.first else {
            Issue.record("expected a call, found \(events)")
            return
        }
        #expect(stream == .first)
        #expect(head.method == 1)
        #expect(Array(payload.head.readableBytesView) == [1, 2, 3, 4])
        #expect(payload.segments.map(\.segment.array) == [[5, 6, 7], [], [8, 9]])
        #expect(server.state.openStreams == 1)
        server.state.reply(to: stream, payload: Payload(head: ByteBuffer(bytes: [1])))
        server.state.reply(to: stream, status: .internalError)
        let replies = try server.replies()
        #expect(replies.map(\.head.status) == [.ok])
        #expect(server.state.isIdle == true)
    }

    @Test("frames that a client must not send end the connection")
    func unexpected() throws {
        #expect(try error { $0.add(.goAway, 0, GoAway(lastStream: .first, reason: "")) } == .unexpectedFrame)
        #expect(try error { $0.response(1, ReplyHead()) } == .unexpectedFrame)
        #expect(try error { $0.add(.data, 1, payload: [1]) } == .unexpectedFrame)
        #expect(try error { $0.add(.cancel, 1) } == .unexpectedFrame)
        #expect(try error { $0.add(.cancel, 0) } == .unexpectedFrame)
    }

    @Test("streams are odd, ascend, and are not used twice")
    func streams() throws {
        #expect(try error { $0.request(0) } == .unexpectedFrame)
        #expect(try error { $0.request(2) } == .unexpectedFrame)
        #expect(
            try error {
                $0.request(3)
                $0.request(3)
            } == .unexpectedFrame)
        #expect(
            try error {
                $0.request(3)
                $0.request(1)
            } == .unexpectedFrame)
        #expect(try error { $0.request(.max) } == nil)
        #expect(
            try error {
                $0.request(1)
                $0.add(.data, 2, payload: [1])
            } == .unexpectedFrame)
    }

    @Test("a method is declared before it is called, each under the next number")
    func methods() throws {
        #expect(try error { $0.request(1, method: 0) } == .malformed)
        #expect(try error { $0.request(1, method: 2) } == .malformed)
        #expect(try error { $0.request(1, method: .max) } == .malformed)
        #expect(try error { $0.declare(1) } == .malformed)
        #expect(try error { $0.declare(0) } == .malformed)
        #expect(try error { $0.declare(3) } == .malformed)
        #expect(try error { $0.declare(2) } == nil)
    }

    @Test("a request that is malformed ends the connection")
    func malformed() throws {
        #expect(try error { $0.add(.request, 1) } == .truncated)
        #expect(try error { $0.add(.request, 1, payload: [0x05, 0x08]) } == .truncated)
        #expect(try error { $0.add(.request, 1, payload: Array(repeating: 0xFF, count: 9) + [0x01]) } == .truncated)
        #expect(try error { $0.add(.request, 1, payload: Array(repeating: 0xFF, count: 12)) } == .malformed)
        #expect(try error { $0.request(1, head: 1, inline: [1, 2]) } == .malformed)
        #expect(
            try error {
                $0.request(1, head: 1)
                $0.add(.data, 1, payload: [1, 2])
            } == .malformed)
        #expect(
            try error {
                $0.request(1, head: 1, inline: [1])
                $0.add(.data, 1, payload: [1])
            } == .malformed)
    }

    @Test(
        "a call over a limit is refused as one that has not run, and the connection goes on",
        arguments: [
            "head", "message", "segments", "metadata", "empty metadata", "deduplication", "incomplete", "overflow",
        ])
    func limits(what: String) throws {
        var server = try server {
            $0.messageHeadBytes = 100
            $0.messageBytes = 1_000
            $0.largeMessageBytes = 1_500
            $0.segments = 3
            $0.metadataBytes = 100
            $0.deduplicationEntries = 2
        }
        var frames = RawFrames()
        switch what {
        case "head": frames.request(1, head: 101)
        case "message": frames.request(1, head: 1, segments: [1_000])
        case "segments": frames.request(1, segments: [0, 0, 0, 0])
        case "metadata": frames.request(1, metadata: ["key": String(repeating: "v", count: 66)])
        case "empty metadata": frames.request(1, metadata: ["": "", "": "", "": "", "": ""])
        case "deduplication":
            let entry = Deduplication.Entry(scope: 0, sequence: 1, acknowledgedThrough: 0)
            frames.request(
                1, deduplication: Deduplication(session: SessionID(high: 0, low: 1), entries: [entry, entry, entry]))
        case "incomplete": frames.request(1, segments: [1_000])
        default: frames.request(1, segments: [.max, .max])
        }
        if what == "incomplete" {
            frames.request(3, segments: [501])
            frames.request(5, segments: [500])
        }
        // What was on its way already is ignored.
        let refused: UInt32 = what == "incomplete" ? 3 : 1
        frames.add(.data, refused, payload: Array(repeating: 0, count: 10_000))
        // One that had been announced is taken back.
        #expect(try server.receive(frames).count == (what == "incomplete" ? 1 : 0))
        let replies = try server.replies()
        #expect(replies.map(\.stream) == [refused])
        #expect(replies[0].head.status == .resourceExhausted)
        #expect(replies[0].head.hasNotRun)
        #expect(server.state.openStreams == (what == "incomplete" ? 2 : 0))
        var next = RawFrames()
        next.request(11, head: 1, inline: [1])
        #expect(try server.receive(next).count == 1)
    }

    @Test("bytes of incomplete messages are given back when the message is complete or cancelled")
    func incompleteBytes() throws {
        var server = try server { $0.largeMessageBytes = 100 }
        for number in 0..<50 as Range<UInt32> {
            var frames = RawFrames()
            frames.request(4 * number + 1, segments: [60])
            frames.add(.data, 4 * number + 1, payload: Array(repeating: 0, count: 59))
            frames.add(.cancel, 4 * number + 1)
            frames.request(4 * number + 3, segments: [100])
            frames.add(.data, 4 * number + 3, payload: Array(repeating: 0, count: 100))
            // The cancellation and the call.
            #expect(try server.receive(frames).count == 2)
            server.state.reply(to: StreamID(rawValue: 4 * number + 3))
        }
        #expect(try server.replies().allSatisfy { $0.head.status == .ok })
    }

    @Test("a call that is turned away at its head takes no room, and what still arrives of it is ignored")
    func turnedAway() throws {
        var server = try server { $0.largeMessageBytes = 100 }
        for number in 0..<50 as Range<UInt32> {
            let (refused, taken) = (4 * number + 1, 4 * number + 3)
            var frames = RawFrames()
            frames.request(refused, head: 10, segments: [90], inline: Array(repeating: 0, count: 10))
            #expect(try server.receive(frames, turningAway: [refused]).isEmpty)
            let replies = try server.replies()
            #expect(replies.map(\.stream) == [refused])
            #expect(replies[0].head.status == .permissionDenied && replies[0].head.hasNotRun)
            #expect(server.state.openStreams == 0)
            frames = RawFrames()
            frames.add(.data, refused, payload: Array(repeating: 0, count: 90))
            frames.request(taken, segments: [100])
            frames.add(.data, taken, payload: Array(repeating: 0, count: 100))
            frames.add(.cancel, refused)
            #expect(try server.receive(frames).count == 1)
            server.state.reply(to: StreamID(rawValue: taken))
            #expect(try server.replies().map(\.stream) == [taken])
        }
        // Nothing is left of them to refuse.
        server.state.refuse(.first, status: .permissionDenied, message: "again")
        #expect(try server.replies().isEmpty)
    }

    @Test("too many calls at a time are refused, and room is made by an answer or a cancellation")
    func concurrency() throws {
        var server = try server { $0.concurrentCalls = 2 }
        var frames = RawFrames()
        for stream: UInt32 in [1, 3, 5] { frames.request(stream) }
        #expect(try server.receive(frames).count == 2)
        #expect(try server.replies().map(\.stream) == [5])
        server.state.reply(to: .first)
        frames = RawFrames()
        frames.request(7)
        frames.add(.cancel, 3)
        frames.request(9)
        let events = try server.receive(frames)
        #expect(events.count == 3)
        if case .cancelled(let stream) = events[1] { #expect(stream.rawValue == 3) } else { Issue.record("\(events)") }
        // Nobody waits for an answer any more.
        server.state.reply(to: StreamID(rawValue: 3))
        #expect(try server.replies().map(\.stream) == [1])
    }

    @Test("too many methods end the connection")
    func tooManyMethods() throws {
        var server = try server { $0.declaredMethods = 3 }
        var frames = RawFrames()
        frames.declare(2)
        frames.declare(3)
        #expect(try server.receive(frames).count == 2)
        frames = RawFrames()
        frames.declare(4)
        #expect(wireError { () throws(WireError) in _ = try server.receive(frames) } == .tooLarge)
    }

    @Test("a cancelled call's reply is dropped, also when it is half sent")
    func cancelWhileReplying() throws {
        var server = try server()
        var frames = RawFrames()
        frames.request(1)
        _ = try server.receive(frames)
        let large = Payload(
            segments: [SegmentField(number: 1, segment: Segment(copying: [UInt8](repeating: 1, count: 5 << 20)))])
        server.state.reply(to: .first, payload: large)
        for _ in 0..<3 { #expect(server.state.nextWrite() != nil) }
        frames = RawFrames()
        frames.add(.cancel, 1)
        frames.add(.cancel, 1)
        #expect(try server.receive(frames).isEmpty)
        #expect(server.state.nextWrite() == nil)
        #expect(server.state.isIdle == true)
    }

    @Test("after goAway open calls are finished and new ones are left to whom the client asks next")
    func goAway() throws {
        var server = try server()
        var frames = RawFrames()
        frames.request(1)
        _ = try server.receive(frames)
        server.state.goAway(reason: "restart")
        server.state.goAway(reason: "again")
        frames = RawFrames()
        frames.request(3, method: 77, segments: [5])
        frames.add(.data, 3, payload: [1])
        frames.add(.cancel, 3)
        #expect(try server.receive(frames).isEmpty)
        #expect(server.state.isIdle == false)
        server.state.reply(to: .first)
        #expect(server.state.isIdle == false)
        #expect(try server.replies().map(\.stream) == [1])
        #expect(server.state.isIdle == true)
    }

    @Test("a peer that takes no replies is not read from")
    func queuedReplies() throws {
        var server = try server { $0.queuedReplyBytes = 1_000 }
        var stream: UInt32 = 1
        #expect(server.state.takesInput == true)
        while server.state.takesInput {
            var frames = RawFrames()
            frames.request(stream)
            _ = try server.receive(frames)
            server.state.reply(to: StreamID(rawValue: stream), status: .notFound, message: "nothing of that name")
            stream += 2
            try #require(stream < 200)
        }
        while server.state.nextWrite() != nil {}
        #expect(server.state.takesInput == true)
    }

    @Test("an answer over the limits becomes an error instead of ending the connection")
    func answerTooLarge() throws {
        var server = try server { $0.messageBytes = 1_000 }
        var frames = RawFrames()
        frames.request(1)
        frames.request(3)
        _ = try server.receive(frames)
        let segment = Segment(copying: [UInt8](repeating: 1, count: 1_001))
        server.state.reply(to: .first, payload: Payload(segments: [SegmentField(number: 1, segment: segment)]))
        server.state.reply(
            to: StreamID(rawValue: 3), status: .notFound, message: String(repeating: "é", count: 1 << 20))
        let replies = try server.replies()
        #expect(replies[0].head.status == .internalError)
        #expect(replies[1].head.status == .notFound)
        #expect(replies[1].head.message.utf8.count <= ReplyHead.largestMessage + 3)
    }
}
