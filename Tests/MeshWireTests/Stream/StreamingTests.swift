import MeshWire
import NIOCore
import Testing

/// Calls with several requests or responses, frame by frame.
@Suite struct StreamingTests {
    private static let allKinds = CallKind.allCases

    /// A server that knows methods 1 to 4: one of each kind, in their order.
    private func server(
        _ features: Features = [.streams, .ping], _ change: (inout WireLimits) -> Void = { _ in }
    ) throws -> ServerUnderTest {
        var limits = WireLimits()
        change(&limits)
        var server = try ServerUnderTest(limits)
        var frames = RawFrames.greeting(features)
        for (index, kind) in Self.allKinds.enumerated() { frames.declare(UInt32(index) + 1, kind: kind) }
        _ = try server.receive(frames)
        return server
    }

    private func error(_ change: (inout RawFrames) -> Void) throws -> WireError.Code? {
        var server = try server()
        var frames = RawFrames()
        change(&frames)
        return wireError { () throws(WireError) in _ = try server.receive(frames) }
    }

    /// A client that has opened a call of each kind, on streams 1, 3, 5 and 7.
    private func client() throws -> ClientUnderTest {
        var client = try ClientUnderTest(greeting: .greeting([.streams, .ping]))
        for kind in Self.allKinds { _ = client.open(path: "a.B/\(kind)", kind: kind) }
        _ = try client.sent()
        return client
    }

    private func clientError(_ change: (inout RawFrames) -> Void) throws -> WireError.Code? {
        var client = try client()
        var frames = RawFrames()
        change(&frames)
        return wireError { () throws(WireError) in _ = try client.receive(frames) }
    }

    @Test("requests arrive one by one, then their end, and the answer follows the responses")
    func bidirectional() throws {
        var server = try server()
        var frames = RawFrames()
        frames.request(1, method: 4)
        frames.message(1, head: 2, inline: [1, 2])
        frames.message(1, head: 1, segments: [3], inline: [7])
        frames.add(.data, 1, payload: [8, 9, 10])
        frames.message(1)
        frames.add(.end, 1)
        let events = try server.receive(frames)
        #expect(events.count == 5)
        guard case .opened(.first, _)? = events.first, case .message(.first, let second) = events[2],
            case .message(.first, let third) = events[3], case .requestsEnded(.first)? = events.last
        else {
            Issue.record("unexpected events \(events)")
            return
        }
        #expect(second.segments.map(\.segment.array) == [[8, 9, 10]])
        #expect(third.count == 0)
        server.state.send(["greeting": "hello"], on: .first)
        server.state.send(["greeting": "twice"], on: .first)
        try server.state.send(Payload(head: ByteBuffer(bytes: [5])), on: .first)
        server.state.reply(to: .first, status: .aborted)
        #expect(try server.sent() == [.metadata, .message, .response])
        #expect(server.state.isIdle == true)
    }

    @Test("a peer without the feature cannot use it")
    func featureNeeded() throws {
        for kind: FrameKind in [.message, .end, .credit, .metadata, .ping, .pong] {
            var server = try ServerUnderTest()
            _ = try server.receive(.greeting)
            var frames = RawFrames()
            frames.add(kind, 1)
            #expect(wireError { () throws(WireError) in _ = try server.receive(frames) } == .unexpectedFrame)
        }
        for kind in Self.allKinds where kind != .unary {
            var server = try ServerUnderTest()
            _ = try server.receive(.greeting)
            var frames = RawFrames()
            frames.declare(1, kind: kind)
            #expect(wireError { () throws(WireError) in _ = try server.receive(frames) } == .malformed)
        }
        let client = try ClientUnderTest()
        for kind in Self.allKinds { #expect(client.state.takes(kind) == (kind == .unary)) }
    }

    @Test("messages stand where a call takes them, whole, and before its end")
    func order() throws {
        #expect(try error { $0.message(1) } == .unexpectedFrame)
        #expect(try error { $0.add(.end, 1) } == .unexpectedFrame)
        for method: UInt32 in [1, 3] {
            #expect(
                try error {
                    $0.request(1, method: method)
                    $0.message(1)
                } == .unexpectedFrame)
            #expect(
                try error {
                    $0.request(1, method: method)
                    $0.add(.end, 1)
                } == .unexpectedFrame)
        }
        #expect(
            try error {
                $0.request(1, method: 2)
                $0.message(1, head: 1)
                $0.message(1)
            } == .unexpectedFrame)
        #expect(
            try error {
                $0.request(1, method: 2)
                $0.message(1, head: 1)
                $0.add(.end, 1)
            } == .unexpectedFrame)
        for what: FrameKind in [.end, .message] {
            #expect(
                try error {
                    $0.request(1, method: 2)
                    $0.add(.end, 1)
                    $0.add(what, 1)
                } == .unexpectedFrame)
        }
        #expect(
            try error {
                $0.request(1, method: 2)
                $0.message(1, head: 1, inline: [1])
                $0.add(.data, 1, payload: [2])
            } == .malformed)
        #expect(try error { $0.request(1, method: 2, head: 1, inline: [1]) } == .malformed)
        #expect(try error { $0.add(.metadata, 1) } == .unexpectedFrame)
    }

    @Test("a server's messages stand where a call takes them, whole, and before its answer")
    func serverOrder() throws {
        for stream: UInt32 in [1, 3] { #expect(try clientError { $0.message(stream) } == .unexpectedFrame) }
        #expect(try clientError { $0.message(9) } == .unexpectedFrame)
        #expect(
            try clientError {
                $0.message(5, head: 1)
                $0.response(5, ReplyHead())
            } == .unexpectedFrame)
        #expect(try clientError { $0.response(5, ReplyHead(layout: PayloadLayout(headLength: 1))) } == .malformed)
        #expect(
            try clientError {
                $0.add(.metadata, 5)
                $0.add(.metadata, 5)
            } == .unexpectedFrame)
        #expect(try clientError { $0.add(.end, 1) } == .unexpectedFrame)
    }

    @Test("more than the credit, and credit that cannot be, end the connection")
    func credit() throws {
        let credit = WireLimits().streamCredit
        #expect(
            try error {
                $0.request(1, method: 2)
                $0.message(1, segments: [credit])
                $0.add(.data, 1, payload: Array(repeating: 0, count: credit))
                // The first was given what it lacked, and not a byte more.
                $0.message(1, segments: [1])
            } == .flowControl)
        #expect(
            try error {
                $0.request(1, method: 2)
                for _ in 0...(credit / 256) { $0.message(1) }
            } == .flowControl)
        #expect(
            try error {
                // What comes with the head is on no credit.
                $0.request(1, head: 16_385, inline: Array(repeating: 0, count: 16_385))
            } == .flowControl)
        #expect(try error { $0.add(.credit, 0, payload: [0, 0, 0, 0]) } == .malformed)
        #expect(try error { $0.add(.credit, 0, payload: [1]) } == .malformed)
        #expect(try error { $0.credit(1, 1) } == .unexpectedFrame)
        #expect(
            try error {
                $0.request(1, method: 3)
                $0.credit(1, 0)
            } == .malformed)
        #expect(try error { for _ in 0..<257 { $0.credit(0, .max) } } == .flowControl)
        #expect(
            try clientError { for _ in 0..<257 { $0.credit(7, .max) } } == .flowControl)
    }

    @Test("a sender waits for credit, and small calls do not wait for it")
    func waiting() throws {
        var client = try client()
        let large = Payload(segments: [
            SegmentField(number: 1, segment: Segment(copying: [UInt8](repeating: 1, count: 1 << 20)))
        ])
        let stream = StreamID(rawValue: 3)
        var takes = client.state.takesRequests(of: stream)
        #expect(takes)
        try client.state.send(large, on: stream)
        takes = client.state.takesRequests(of: stream)
        #expect(!takes)
        var sent = try client.sent()
        #expect(sent.map(\.kind) == [.message, .data])
        #expect(256 + sent.reduce(0) { $0 + $1.payloadLength } == 256 << 10)
        let other = client.open(path: "a.B/unary")
        #expect(other != nil)
        // Beside a small call, large ones go on as the pings among them are answered.
        sent = try client.sent()
        #expect(sent.map(\.kind) == [.request, .ping])
        var frames = RawFrames()
        frames.credit(3, 1 << 20)
        #expect(try client.receive(frames).isEmpty)
        var mark: UInt64 = 1 << 63
        while sent.contains(where: { $0.kind == .ping }) {
            var answers = RawFrames()
            for header in sent where header.kind == .ping {
                mark += 1
                answers.add(.pong, 0, payload: Array(ByteBuffer(integer: mark).readableBytesView))
            }
            #expect(try client.receive(answers).isEmpty)
            sent = try client.sent()
            #expect(sent.allSatisfy { $0.kind == .data || $0.kind == .ping })
        }
        let relieved = client.state.relievedStreams()
        #expect(relieved == [stream])
        takes = client.state.takesRequests(of: stream)
        #expect(takes)
        client.state.endRequests(of: stream)
        #expect(try client.sent().map(\.kind) == [.end])
    }

    @Test("what a reader takes is given back as credit, in few frames, until the requests end")
    func givingBack() throws {
        var server = try server()
        var frames = RawFrames()
        frames.request(1, method: 2)
        let body = [UInt8](repeating: 1, count: 10_000)
        for _ in 0..<25 { frames.message(1, head: body.count, inline: body) }
        #expect(try server.receive(frames).count == 26)
        #expect(try server.sent().isEmpty)
        for _ in 0..<6 { server.state.taken(from: .first) }
        #expect(try server.sent().isEmpty)
        server.state.taken(from: .first)
        #expect(try server.sent() == [.credit])
        frames = RawFrames()
        for _ in 0..<7 { frames.message(1, head: body.count, inline: body) }
        frames.add(.end, 1)
        #expect(try server.receive(frames).count == 8)
        for _ in 0..<40 { server.state.taken(from: .first) }
        #expect(try server.sent().isEmpty)
    }

    @Test("large messages wait for room, first come, first served")
    func room() throws {
        var server = try server {
            $0.messageBytes = 1 << 20
            $0.largeMessageBytes = 3 << 19
        }
        var frames = RawFrames()
        for stream: UInt32 in [1, 3, 5] { frames.request(stream, segments: [1 << 20]) }
        #expect(try server.receive(frames).isEmpty)
        #expect(try server.sent() == [.credit])
        // The third gives up; the second has its turn when the first is answered.
        frames = RawFrames()
        frames.add(.cancel, 5)
        frames.add(.data, 1, payload: Array(repeating: 0, count: 1 << 20))
        // The cancellation and the call.
        #expect(try server.receive(frames).count == 2)
        #expect(try server.sent().isEmpty)
        server.state.reply(to: .first)
        #expect(try server.sent() == [.credit, .response])
    }

    @Test("a message over a limit ends its call and no other")
    func tooLarge() throws {
        var server = try server { $0.messageHeadBytes = 100 }
        var frames = RawFrames()
        frames.request(1, method: 4)
        frames.request(3, method: 4)
        frames.message(1, head: 101, inline: Array(repeating: 0, count: 101))
        frames.message(3, head: 1, inline: [1])
        frames.message(1)
        frames.add(.end, 1)
        let events = try server.receive(frames)
        #expect(events.count == 4)
        guard case .cancelled(.first) = events[2], case .message = events[3] else {
            Issue.record("unexpected events \(events)")
            return
        }
        #expect(try server.replies().map(\.head.status) == [.resourceExhausted])
        #expect(server.state.openStreams == 1)
        var client = try client()
        frames = RawFrames()
        frames.message(5, head: 5 << 20)
        frames.add(.data, 5, payload: [1])
        guard case .unreadable(StreamID(rawValue: 5), _)? = try client.receive(frames).first else {
            Issue.record("expected an unreadable message")
            return
        }
        #expect(try client.sent().map(\.kind) == [.cancel])
    }

    @Test("a call that a message over a limit ends has its answer behind the response that is under way")
    func tooLargeWhileResponding() throws {
        var server = try server { $0.messageHeadBytes = 100 }
        var frames = RawFrames()
        frames.request(1, method: 4)
        _ = try server.receive(frames)
        let large = Payload(segments: [
            SegmentField(number: 1, segment: Segment(copying: Array(repeating: 1, count: 1 << 20)))
        ])
        try server.state.send(large, on: .first)
        #expect(try server.sent() == [.message, .data])
        frames = RawFrames()
        frames.message(1, head: 101, inline: Array(repeating: 0, count: 101))
        #expect(try server.receive(frames).count == 1)
        #expect(try server.sent().isEmpty)
        frames = RawFrames()
        frames.credit(1, 1 << 20)
        #expect(try server.receive(frames).isEmpty)
        let sent = try server.sent()
        #expect(sent.last == .response)
        #expect(sent.count > 1 && sent.dropLast().allSatisfy { $0 == .data })
        #expect(server.state.isIdle == true)
    }

    @Test("a call that is answered early is sent no more requests, and what is on its way is ignored")
    func earlyAnswer() throws {
        var client = try client()
        var frames = RawFrames()
        frames.response(3, ReplyHead(status: .notFound))
        #expect(try client.receive(frames).count == 1)
        try client.state.send(Payload(head: ByteBuffer(bytes: [1])), on: StreamID(rawValue: 3))
        client.state.endRequests(of: StreamID(rawValue: 3))
        #expect(try client.sent().map(\.kind) == [.cancel])
        var server = try server()
        frames = RawFrames()
        frames.request(1, method: 2)
        _ = try server.receive(frames)
        server.state.reply(to: .first, status: .notFound)
        frames = RawFrames()
        frames.message(1, head: 1, inline: [1])
        frames.message(1, segments: [4])
        frames.add(.data, 1, payload: [1, 2, 3, 4])
        frames.add(.cancel, 1)
        #expect(try server.receive(frames).isEmpty)
        #expect(try server.sent() == [.response])
    }

    @Test("a ping is answered with its bytes, and no other size is one")
    func ping() throws {
        var server = try server()
        var frames = RawFrames()
        frames.add(.ping, 0, payload: [1, 2, 3, 4, 5, 6, 7, 8])
        frames.add(.pong, 0, payload: [0, 0, 0, 0, 0, 0, 0, 9])
        guard case .pong(9)? = try server.receive(frames).first else {
            Issue.record("expected a pong")
            return
        }
        #expect(try server.sent() == [.pong])
        #expect(try error { $0.add(.ping, 0, payload: [1]) } == .malformed)
        #expect(try error { $0.add(.pong, 0, payload: []) } == .malformed)
        let asks = server.state.ping(7)
        #expect(asks)
        var first = try ServerUnderTest()
        _ = try first.receive(.greeting)
        let asksFirst = first.state.ping(7)
        #expect(!asksFirst)
    }

    @Test("pings whose answers nobody reads end the connection", arguments: [999, 1_000, 1_001])
    func pingFlood(count: Int) throws {
        var frames = RawFrames()
        for _ in 0..<count { frames.add(.ping, 0, payload: [0, 0, 0, 0, 0, 0, 0, 1]) }
        let expected: WireError.Code? = count > 1_000 ? .tooLarge : nil
        #expect(try error { $0 = frames } == expected)
        #expect(try clientError { $0 = frames } == expected)
        // Answers that are taken make room for more.
        var server = try server()
        for _ in 0..<3 where count <= 1_000 {
            _ = try server.receive(frames)
            #expect(try server.sent().count == count)
        }
    }

    @Test("higher priorities leave first, and lower ones do not stand still")
    func priorities() throws {
        var queue = OutboundQueue()
        let payload = Payload(
            segments: [SegmentField(number: 1, segment: Segment(copying: [UInt8](repeating: 1, count: 10 << 20)))])
        for (number, priority) in [(1, CallPriority.background), (3, .normal), (5, .urgent)] as [(UInt32, CallPriority)]
        {
            queue.respond(StreamID(rawValue: number), ReplyHead(layout: payload.layout), payload: payload, priority)
        }
        _ = queue.next()
        var order: [UInt32] = []
        while var frame = queue.next() {
            let header = try #require(try FrameHeader(from: &frame))
            order.append(header.stream.rawValue)
        }
        let first = order.prefix(30)
        #expect(first.filter { $0 == 5 }.count >= 22)
        #expect(first.contains(1) && first.contains(3))
        #expect(Set(order) == [1, 3, 5])
    }

    @Test("a frame with a wrong checksum, or without one, ends the connection")
    func checksums() throws {
        var limits = WireLimits()
        limits.checksums = true
        var good = OutboundQueue()
        var hello = Hello(instance: InstanceID(high: 1, low: 1), limits: limits)
        good.keep(to: hello, [.streams, .checksums])
        let payload = Payload(head: ByteBuffer(repeating: 3, count: 20_000))
        good.append(
            .declare, .connection, MethodDeclaration(number: 1, path: "a.B/C", requestName: "", responseName: ""))
        good.open(
            .first,
            CallHead(
                method: 1, timeRemaining: .seconds(1), deduplication: nil, metadata: Metadata(), layout: payload.layout),
            payload: payload)
        var bytes: [UInt8] = []
        while let next = good.next() { bytes += Array(next.readableBytesView) }
        hello.features = [.streams, .checksums]
        var greeting = RawFrames()
        greeting.bytes = Preface.bytes
        greeting.add(.hello, 0, hello)
        for flipped in [nil] + stride(from: 0, to: bytes.count, by: 97).map({ Optional($0) }) {
            var server = try ServerUnderTest(limits)
            var frames = greeting
            var changed = bytes
            if let flipped { changed[flipped] ^= 4 }
            frames.bytes += changed
            var found: WireError.Code?
            var calls = 0
            do throws(WireError) { calls = try server.receive(frames).count } catch { found = error.code }
            if flipped == nil { #expect(found == nil && calls == 3) } else { #expect(found != nil || calls < 3) }
        }
        var server = try ServerUnderTest(limits)
        var frames = greeting
        frames.declare(1)
        frames.request(1)
        #expect(wireError { () throws(WireError) in _ = try server.receive(frames) } == .malformed)
    }
}
