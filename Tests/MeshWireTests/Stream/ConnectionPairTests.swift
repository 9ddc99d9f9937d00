import MeshWire
import NIOCore
import Testing

/// A client's and a server's state machine, joined by two pipes in memory, in an order that a seed chooses.
private struct ConnectionPair {
    struct Call {
        let request: [UInt8]
        var reply: [UInt8]?
        var isCancelled = false
        var wasSeen = false
        var isNotTaken = false
    }

    var generator: SeededGenerator
    var client: ClientConnectionState
    var methods = DeclaredMethods()
    var server: ServerConnectionState
    var calls: [StreamID: Call] = [:]
    /// What the server has to answer.
    var running: [StreamID] = []
    private var toServer = ByteBuffer()
    private var toClient = ByteBuffer()
    private let smallPayloads: Bool
    private(set) var isGoingAway = false

    init(seed: UInt64, limits: WireLimits = WireLimits(), smallPayloads: Bool) {
        generator = SeededGenerator(seed: seed)
        self.smallPayloads = smallPayloads
        client = ClientConnectionState(instance: InstanceID(high: 1, low: 1), limits: limits)
        server = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: limits)
    }

    mutating func step(calls count: Int) throws {
        switch generator.next() % 16 {
        case 0...2 where calls.count < count: open()
        case 3...4: reply()
        case 5: cancel()
        case 6 where generator.next() % 400 == 0: goAway()
        case 7...8: toServer.takeFrames(from: &client, &generator)
        case 9...10: toClient.takeFrames(from: &server, &generator)
        case 11...13: try deliverToServer()
        default: try deliverToClient()
        }
    }

    /// Runs until nothing is left to do, every running call answered.
    mutating func finish() throws {
        var idle = 0
        while idle < 3 {
            let before = (client.openStreams, toServer.readableBytes, toClient.readableBytes, running.count)
            while !running.isEmpty { reply() }
            while let bytes = client.nextWrite() { toServer.writeImmutableBuffer(bytes) }
            while let bytes = server.nextWrite() { toClient.writeImmutableBuffer(bytes) }
            while toServer.readableBytes > 0 { try deliverToServer() }
            while toClient.readableBytes > 0 { try deliverToClient() }
            let after = (client.openStreams, toServer.readableBytes, toClient.readableBytes, running.count)
            idle = before == after ? idle + 1 : 0
        }
    }

    private mutating func content() -> [UInt8] {
        let size: UInt64 =
            switch smallPayloads ? 0 : generator.next() % 8 {
            case 0...4: generator.next() % 300
            case 5, 6: generator.next() % 40_000
            default: generator.next() % 900_000
            }
        return generator.bytes(Int(size))
    }

    /// A payload whose bytes are `content`, cut into head and segments at random.
    private mutating func payload(_ content: [UInt8]) -> Payload {
        var rest = content[...]
        var payload = Payload()
        let head = Int(generator.next() % UInt64(content.count + 1))
        payload.head = ByteBuffer(bytes: rest.prefix(head))
        rest = rest.dropFirst(head)
        while !rest.isEmpty || generator.next() % 5 == 0 {
            let count = Int(generator.next() % UInt64(rest.count + 1))
            payload.segments.append(SegmentField(number: 2, segment: Segment(copying: rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return payload
    }

    private mutating func open() {
        let content = content()
        let payload = payload(content)
        let method = generator.next() % 4
        guard
            let stream = client.open(
                methods.number(of: "test.Service/\(method)", "a.Q", in: &client), timeRemaining: .seconds(9),
                deduplication: nil, metadata: ["content": "\(content.count)"], payload: payload)
        else {
            #expect(isGoingAway)
            return
        }
        #expect(calls[stream] == nil)
        calls[stream] = Call(request: content)
    }

    private mutating func reply() {
        guard let index = running.indices.randomElement(using: &generator) else { return }
        let stream = running.remove(at: index)
        let content = content()
        calls[stream]?.reply = content
        server.reply(to: stream, message: "\(stream)", payload: payload(content))
    }

    private mutating func cancel() {
        let open = calls.filter { $0.value.reply == nil && !$0.value.isCancelled && !$0.value.isNotTaken }.keys.sorted()
        guard let stream = open.randomElement(using: &generator) else { return }
        calls[stream]?.isCancelled = true
        client.cancel(stream)
    }

    private mutating func goAway() {
        isGoingAway = true
        server.goAway(reason: "restart")
    }

    private mutating func deliverToServer() throws {
        server.receive(toServer.takePiece(&generator))
        while let event = try server.nextEvent() {
            switch event {
            case .established, .declared: break
            case .announced(let stream, _):
                if generator.next() % 8 == 0 { server.refuse(stream, status: .permissionDenied, message: "no") }
            case .call(let stream, let head, let payload):
                let call = try #require(calls[stream])
                #expect(!call.wasSeen, "\(stream) arrived twice")
                #expect(payload.content == call.request, "\(stream)")
                #expect(head.metadata["content"] == "\(call.request.count)")
                calls[stream]?.wasSeen = true
                running.append(stream)
            case .cancelled(let stream):
                #expect(calls[stream]?.isCancelled == true)
                running.removeAll { $0 == stream }
            }
        }
    }

    private mutating func deliverToClient() throws {
        client.receive(toClient.takePiece(&generator))
        while let event = try client.nextEvent() {
            switch event {
            case .established: break
            case .response(let stream, let head, let payload):
                let removed = calls.removeValue(forKey: stream)
                let call = try #require(removed)
                #expect(!call.isCancelled, "a cancelled call was answered")
                if head.status == .ok {
                    #expect(call.wasSeen)
                    #expect(head.message == "\(stream)")
                    #expect(payload.content == call.reply)
                } else if head.status == .internalError {
                    // The answer was over a limit.
                    #expect(call.wasSeen)
                } else {
                    #expect(head.hasNotRun)
                    #expect(!call.wasSeen)
                }
            case .goAway(_, let notTaken):
                for stream in notTaken {
                    #expect(calls[stream]?.wasSeen == false, "a call that was not taken has run")
                    calls[stream]?.isNotTaken = true
                }
            }
        }
    }
}

extension Payload {
    fileprivate var content: [UInt8] { Array(head.readableBytesView) + segments.flatMap(\.segment.array) }
}

extension ByteBuffer {
    /// Up to a few frames that a side wants to send.
    fileprivate mutating func takeFrames(from state: inout ClientConnectionState, _ generator: inout SeededGenerator) {
        for _ in 0...generator.next() % 3 { if let bytes = state.nextWrite() { writeImmutableBuffer(bytes) } }
    }

    fileprivate mutating func takeFrames(from state: inout ServerConnectionState, _ generator: inout SeededGenerator) {
        for _ in 0...generator.next() % 3 { if let bytes = state.nextWrite() { writeImmutableBuffer(bytes) } }
    }

    /// Some bytes from the front, often few and sometimes all, in memory of their own.
    fileprivate mutating func takePiece(_ generator: inout SeededGenerator) -> ByteBuffer {
        let limit = [3, 40, 5_000, 300_000].randomElement(using: &generator)!
        let count = min(readableBytes, Int.random(in: 0...limit, using: &generator))
        let piece = ByteBuffer(bytes: readBytes(length: count)!)
        discardReadBytes()
        return piece
    }
}

@Suite struct ConnectionPairTests {
    @Test("two sides agree on every call, whatever the order and the pieces", arguments: 1...20 as ClosedRange<UInt64>)
    func smallCalls(seed: UInt64) throws {
        var pair = ConnectionPair(seed: seed, smallPayloads: true)
        for _ in 0..<rounds(1_500) { try pair.step(calls: 200) }
        try pair.finish()
        expectIsOver(pair)
    }

    @Test("large and small messages share a connection", arguments: 101...112 as ClosedRange<UInt64>)
    func largeCalls(seed: UInt64) throws {
        var pair = ConnectionPair(seed: seed, smallPayloads: false)
        for _ in 0..<rounds(600) { try pair.step(calls: 30) }
        try pair.finish()
        expectIsOver(pair)
    }

    @Test("calls over the limits are refused and the others are answered", arguments: 201...220 as ClosedRange<UInt64>)
    func limits(seed: UInt64) throws {
        var limits = WireLimits()
        limits.concurrentCalls = 4
        limits.messageHeadBytes = 250
        limits.incompleteMessageBytes = 400
        var pair = ConnectionPair(seed: seed, limits: limits, smallPayloads: true)
        for _ in 0..<rounds(1_000) { try pair.step(calls: 100) }
        try pair.finish()
        #expect(pair.client.openStreams == 0, "seed \(seed)")
        #expect(pair.server.openStreams == 0, "seed \(seed)")
        #expect(pair.server.isIdle, "seed \(seed)")
    }

    private func expectIsOver(_ pair: ConnectionPair) {
        #expect(pair.client.openStreams == 0)
        #expect(pair.server.openStreams == 0)
        #expect(pair.server.isIdle)
        // Left are those that were given up on either side; every other one was answered and removed.
        for (stream, call) in pair.calls {
            #expect(call.isCancelled || call.isNotTaken, "\(stream) was never answered")
        }
        if pair.isGoingAway { #expect(!pair.client.takesCalls) }
    }
}
