import MeshWire
import NIOCore
import Testing

/// Calls that come while more answers wait than may: they run later, and everything else is read all the same.
@Suite struct HeldCallsTests {
    private typealias Event = ServerConnectionState.Event

    /// A server that keeps 100,000 bytes of answers, and knows methods 1 to 4: one of each kind, in their order.
    private func server(
        _ features: Features = [.streams, .ping], _ change: (inout WireLimits) -> Void = { _ in }
    ) throws -> ServerUnderTest {
        var limits = WireLimits()
        limits.queuedReplyBytes = 100_000
        change(&limits)
        var server = try ServerUnderTest(limits)
        var frames = RawFrames.greeting(features)
        for (index, kind) in CallKind.allCases.enumerated() where kind == .unary || features.contains(.streams) {
            frames.declare(UInt32(index) + 1, kind: kind)
        }
        _ = try server.receive(frames)
        return server
    }

    private func requests(_ streams: UInt32...) -> RawFrames {
        var frames = RawFrames()
        for stream in streams { frames.request(stream) }
        return frames
    }

    private func answer(_ bytes: Int) -> Payload {
        Payload(segments: [SegmentField(number: 1, segment: Segment(copying: [UInt8](repeating: 7, count: bytes)))])
    }

    /// What an event is and the call that it is of.
    private func name(_ event: Event) -> String {
        switch event {
        case .call(let stream, _, _): "call \(stream.rawValue)"
        case .opened(let stream, _): "opened \(stream.rawValue)"
        case .held(let stream, _): "held \(stream.rawValue)"
        case .message(let stream, let payload): "message \(stream.rawValue): \(payload.count)"
        case .requestsEnded(let stream): "end \(stream.rawValue)"
        case .cancelled(let stream): "cancelled \(stream.rawValue)"
        case .announced(let stream, _): "announced \(stream.rawValue)"
        case .pong: "pong"
        case .established, .declared: "\(event)"
        }
    }

    /// A server that has answered calls 1 and 3 with 500,000 bytes each and sent of them what the client's credit lets it.
    private func fullServer(_ change: (inout WireLimits) -> Void = { _ in }) throws -> ServerUnderTest {
        var server = try server(change)
        #expect(try server.receive(requests(1)).map(name) == ["call 1"])
        server.state.reply(to: .first, payload: answer(500_000))
        // One answer is larger than all that may wait, and holds nobody up.
        #expect(try server.receive(requests(3)).map(name) == ["call 3"])
        server.state.reply(to: StreamID(rawValue: 3), payload: answer(500_000))
        _ = try server.sent()
        return server
    }

    private func server(_ change: (inout WireLimits) -> Void) throws -> ServerUnderTest {
        try server([.streams, .ping], change)
    }

    @Test("credit is read however much waits, and has the answers leave and calls run that were held, in their order")
    func held() throws {
        var server = try fullServer()
        #expect(try server.receive(requests(5, 7)).map(name) == ["held 5", "held 7"])
        #expect(server.state.takesInput == true)
        #expect(server.state.openStreams == 2)
        #expect(server.state.admitted().map(name) == nil)
        var frames = RawFrames()
        frames.credit(1, 500_000)
        frames.add(.ping, 0, payload: [UInt8](repeating: 1, count: 8))
        #expect(try server.receive(frames).isEmpty)
        #expect(try server.sent().contains(.pong))
        // What remains is one answer.
        #expect(server.state.admitted().map(name) == "call 5")
        #expect(server.state.admitted().map(name) == "call 7")
        #expect(server.state.admitted().map(name) == nil)
        server.state.reply(to: StreamID(rawValue: 5))
        server.state.reply(to: StreamID(rawValue: 7))
        #expect(try server.replies().map(\.stream) == [5, 7])
    }

    @Test("a call that is held can be cancelled and refused, and one whose answer is given up makes room")
    func cancelled() throws {
        var server = try fullServer()
        #expect(try server.receive(requests(5, 7, 9)).map(name) == ["held 5", "held 7", "held 9"])
        var frames = RawFrames()
        frames.add(.cancel, 5)
        #expect(try server.receive(frames).map(name) == ["cancelled 5"])
        server.state.refuse(StreamID(rawValue: 7), status: .deadlineExceeded, message: "too late")
        let replies = try server.replies()
        #expect(replies.map(\.stream) == [7] && replies[0].head.hasNotRun)
        frames = RawFrames()
        frames.add(.cancel, 1)
        #expect(try server.receive(frames).map(name) == ["call 9"])
        #expect(server.state.openStreams == 1)
    }

    @Test("calls that are held are as many as may be open, and further ones are refused")
    func many() throws {
        var server = try fullServer { $0.concurrentCalls = 2 }
        #expect(try server.receive(requests(5, 7, 9, 11)).map(name) == ["held 5", "held 7"])
        let replies = try server.replies()
        #expect(replies.map(\.stream) == [9, 11])
        #expect(replies.map(\.head.status) == [.resourceExhausted, .resourceExhausted])
        #expect(replies.map(\.head.hasNotRun) == [true, true])
    }

    @Test("requests of a held call that streams them wait with it, on its credit")
    func streaming() throws {
        var server = try fullServer()
        var frames = RawFrames()
        frames.request(5, method: 2)
        frames.message(5, head: 2, inline: [1, 2])
        frames.request(7, head: 3, inline: [1, 2])
        frames.message(5, head: 1, inline: [1])
        frames.add(.data, 7, payload: [3])
        frames.add(.end, 5)
        #expect(try server.receive(frames).map(name) == ["held 5", "held 7"])
        frames = RawFrames()
        frames.credit(3, 500_000)
        #expect(try server.receive(frames).isEmpty)
        #expect(try server.sent().allSatisfy { $0 == .data })
        var events: [String] = []
        while let event = server.state.admitted() { events.append(name(event)) }
        #expect(events == ["opened 5", "message 5: 2", "message 5: 1", "end 5", "call 7"])
        // More on the stream than it has credit for ends the connection, held or not.
        server = try fullServer()
        frames = RawFrames()
        frames.request(5, method: 2)
        for _ in 0..<3 { frames.message(5, head: 100_000, inline: [UInt8](repeating: 1, count: 16_000)) }
        let error = wireError { () throws(WireError) in _ = try server.receive(frames) }
        #expect(error != nil)
    }

    @Test("a peer that does not read is not read from: small answers, which need no credit, are bounded")
    func doesNotRead() throws {
        var server = try server()
        var stream: UInt32 = 1
        while server.state.takesInput {
            _ = try server.receive(requests(stream))
            server.state.reply(to: StreamID(rawValue: stream), status: .notFound, message: "nothing of that name")
            // What was held is answered as well.
            while case .call(let held, _, _)? = server.state.admitted() { server.state.reply(to: held) }
            stream += 2
            try #require(stream < 20_000)
        }
        _ = try server.sent()
        #expect(server.state.takesInput == true)
    }

    @Test("towards a peer that gives no credit, all that waits counts as not read")
    func firstVersion() throws {
        var server = try server([])
        #expect(try server.receive(requests(1, 3)).map(name) == ["call 1", "call 3"])
        server.state.reply(to: .first, payload: answer(500_000))
        #expect(server.state.takesInput == false)
        _ = try server.sent()
        #expect(server.state.takesInput == true)
    }
}
