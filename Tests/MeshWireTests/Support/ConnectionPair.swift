import MeshWire
import NIOCore
import TestSupport
import Testing

/// A client's and a server's state machine, joined by two pipes in memory, in an order that a seed chooses; what each
/// side is told is compared with what the other has said.
struct ConnectionPair: ~Copyable {
    struct Call {
        let kind: CallKind
        /// What the client has sent, and the server has been told.
        var requests: [[UInt8]] = []
        var requestsSeen = 0
        var requestsEnded = false
        var endSeen = false
        /// What the server has sent, and the client has been told.
        var responses: [[UInt8]] = []
        var responsesSeen = 0
        var metadata: Metadata?
        var metadataSeen = false
        /// The response of a call that has but one, or none of a call that streams them.
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
    private var running: [StreamID] = []
    /// Messages that have arrived and that nobody has taken, a stream for each.
    private var untakenByServer: [StreamID] = []
    private var untakenByClient: [StreamID] = []
    private var toServer = ByteBuffer()
    private var toClient = ByteBuffer()
    private let smallPayloads: Bool
    private let kinds: [CallKind]
    private(set) var isGoingAway = false

    init(
        seed: UInt64, limits: WireLimits = WireLimits(), smallPayloads: Bool,
        kinds: [CallKind] = CallKind.allCases
    ) {
        generator = SeededGenerator(seed: seed)
        self.smallPayloads = smallPayloads
        self.kinds = kinds
        client = ClientConnectionState(instance: InstanceID(high: 1, low: 1), limits: limits)
        server = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: limits)
    }

    mutating func step(calls count: Int) throws {
        switch generator.next() % 22 {
        case 0...2 where calls.count < count: open()
        case 3: reply()
        case 4: cancel()
        case 5 where generator.next() % 400 == 0: goAway()
        case 6...7: try sendRequest()
        case 8...9: try sendResponse()
        case 10: endRequests()
        case 11: takeByServer()
        case 12: takeByClient()
        case 13 where generator.next() % 8 == 0: expectPing()
        case 13...15: toServer.takeFrames(from: &client, &generator)
        case 16...17: toClient.takeFrames(from: &server, &generator)
        case 18...19: try deliverToServer()
        default: try deliverToClient()
        }
    }

    /// Runs until nothing is left to do: requests ended, messages taken, calls answered.
    mutating func finish() throws {
        var idle = 0
        while idle < 3 {
            let before = progress
            var hasWritten = false
            while !running.isEmpty, untakenByServer.isEmpty { reply() }
            for stream in calls.keys.sorted() { endRequests(of: stream) }
            while !untakenByServer.isEmpty { takeByServer() }
            while !untakenByClient.isEmpty { takeByClient() }
            while let bytes = client.nextWrite() {
                toServer.writeImmutableBuffer(bytes)
                hasWritten = true
            }
            while let bytes = server.nextWrite() {
                toClient.writeImmutableBuffer(bytes)
                hasWritten = true
            }
            while toServer.readableBytes > 0 { try deliverToServer() }
            while toClient.readableBytes > 0 { try deliverToClient() }
            idle = before == progress && !hasWritten ? idle + 1 : 0
        }
    }

    /// What changes as long as something happens.
    private var progress: [Int] {
        [
            client.openStreams, server.openStreams, toServer.readableBytes, toClient.readableBytes, running.count,
            calls.values.reduce(0) { $0 + $1.requestsSeen + $1.responsesSeen },
        ]
    }

    /// Cuts the pipes where they are; what was under way stays unanswered, and neither side may misread its end.
    mutating func cut() throws {
        try deliverToServer()
        try deliverToClient()
        do throws(WireError) { try server.end() } catch { #expect(error.code == .truncated) }
        do throws(WireError) { try client.end() } catch { #expect(error.code == .truncated) }
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

    // MARK: The client

    private mutating func open() {
        guard client.takesCalls else { return }
        let kind = kinds.randomElement(using: &generator)!
        let content = kind.streamsRequests ? [] : content()
        let payload = kind.streamsRequests ? Payload() : payload(content)
        let number = methods.number(of: "test.Service/\(generator.next() % 3)", "a.Q", kind: kind, in: &client)
        guard
            let stream = client.open(
                number, timeRemaining: .seconds(9), deduplication: nil, metadata: ["content": "\(content.count)"],
                priority: CallPriority.allCases.randomElement(using: &generator)!, payload: payload)
        else {
            Issue.record("a connection that takes calls did not")
            return
        }
        #expect(calls[stream] == nil)
        calls[stream] = Call(kind: kind, requests: kind.streamsRequests ? [] : [content])
    }

    private func openCalls(_ condition: (Call) -> Bool) -> [StreamID] {
        calls.filter { !$0.value.isCancelled && !$0.value.isNotTaken && condition($0.value) }.keys.sorted()
    }

    private mutating func sendRequest() throws {
        let candidates = openCalls { $0.kind.streamsRequests && !$0.requestsEnded }
        guard let stream = candidates.randomElement(using: &generator), client.takesRequests(of: stream) else { return }
        let content = content()
        // One over a limit is refused on this side, and the call goes on.
        do throws(WireError) { try client.send(payload(content), on: stream) } catch { return }
        calls[stream]?.requests.append(content)
    }

    private mutating func endRequests() {
        let candidates = openCalls { $0.kind.streamsRequests && !$0.requestsEnded }
        if let stream = candidates.randomElement(using: &generator) { endRequests(of: stream) }
    }

    private mutating func endRequests(of stream: StreamID) {
        guard let call = calls[stream], call.kind.streamsRequests, !call.requestsEnded else { return }
        calls[stream]?.requestsEnded = true
        client.endRequests(of: stream)
    }

    private mutating func cancel() {
        let open = openCalls { $0.reply == nil }
        guard let stream = open.randomElement(using: &generator) else { return }
        calls[stream]?.isCancelled = true
        client.cancel(stream)
    }

    private mutating func takeByClient() {
        guard let index = untakenByClient.indices.randomElement(using: &generator) else { return }
        client.taken(from: untakenByClient.remove(at: index))
    }

    private mutating func expectPing() {
        guard client.takesCalls else { return }
        let isAsked = client.ping(generator.next())
        #expect(isAsked)
    }

    // MARK: The server

    private mutating func reply() {
        guard let index = running.indices.randomElement(using: &generator) else { return }
        let stream = running.remove(at: index)
        let content = calls[stream]?.kind.streamsResponses == true ? [] : content()
        calls[stream]?.reply = content
        let payload = content.isEmpty ? Payload() : payload(content)
        server.reply(
            to: stream, message: "\(stream)", metadata: ["trailer": "\(stream)"], details: [1, 2], payload: payload)
    }

    private mutating func sendResponse() throws {
        let candidates = running.filter { calls[$0]?.kind.streamsResponses == true }
        guard let stream = candidates.randomElement(using: &generator) else { return }
        if calls[stream]?.metadata == nil, calls[stream]?.responses.isEmpty == true, generator.next() % 2 == 0 {
            calls[stream]?.metadata = ["hello": "\(stream)"]
            server.send(["hello": "\(stream)"], on: stream)
        }
        guard server.takesResponses(of: stream) else { return }
        let content = content()
        do throws(WireError) { try server.send(payload(content), on: stream) } catch { return }
        calls[stream]?.responses.append(content)
    }

    private mutating func takeByServer() {
        guard let index = untakenByServer.indices.randomElement(using: &generator) else { return }
        server.taken(from: untakenByServer.remove(at: index))
    }

    private mutating func goAway() {
        isGoingAway = true
        server.goAway(reason: "restart")
    }

    // MARK: What arrives

    private mutating func deliverToServer() throws {
        server.receive(toServer.takePiece(&generator))
        while let event = try server.nextEvent() {
            switch event {
            case .established, .declared, .pong, .held: break
            case .announced(let stream, _):
                if generator.next() % 8 == 0 { server.refuse(stream, status: .permissionDenied, message: "no") }
            case .call(let stream, let head, let payload):
                let call = try begun(stream)
                #expect(!call.kind.streamsRequests)
                #expect(payload.content == call.requests[0], "\(stream)")
                #expect(head.metadata["content"] == "\(call.requests[0].count)")
            case .opened(let stream, _):
                let call = try begun(stream)
                #expect(call.kind.streamsRequests)
            case .message(let stream, let payload):
                let call = try #require(calls[stream])
                #expect(call.wasSeen && !call.endSeen)
                #expect(payload.content == call.requests[call.requestsSeen], "\(stream)")
                calls[stream]?.requestsSeen += 1
                untakenByServer.append(stream)
            case .requestsEnded(let stream):
                let call = try #require(calls[stream])
                #expect(call.requestsEnded && call.requestsSeen == call.requests.count)
                calls[stream]?.endSeen = true
            case .cancelled(let stream):
                // Also where a message was over a limit.
                running.removeAll { $0 == stream }
                untakenByServer.removeAll { $0 == stream }
            }
        }
    }

    /// Notes that the server knows of a call.
    private mutating func begun(_ stream: StreamID) throws -> Call {
        let call = try #require(calls[stream])
        #expect(!call.wasSeen, "\(stream) arrived twice")
        calls[stream]?.wasSeen = true
        running.append(stream)
        return call
    }

    private mutating func deliverToClient() throws {
        client.receive(toClient.takePiece(&generator))
        while let event = try client.nextEvent() {
            switch event {
            case .established, .pong, .answering: break
            case .metadata(let stream, let metadata):
                #expect(calls[stream]?.metadata == metadata)
                #expect(calls[stream]?.responsesSeen == 0)
                calls[stream]?.metadataSeen = true
            case .message(let stream, let payload):
                let call = try #require(calls[stream])
                #expect(!call.isCancelled)
                #expect(call.metadata == nil || call.metadataSeen)
                #expect(payload.content == call.responses[call.responsesSeen], "\(stream)")
                calls[stream]?.responsesSeen += 1
                untakenByClient.append(stream)
            case .response(let stream, let head, let payload):
                let removed = calls.removeValue(forKey: stream)
                let call = try #require(removed)
                #expect(!call.isCancelled, "a cancelled call was answered")
                if head.status == .ok {
                    #expect(call.wasSeen)
                    #expect(head.message == "\(stream)")
                    #expect(head.metadata["trailer"] == "\(stream)" && head.details == [1, 2])
                    #expect(payload.content == call.reply)
                    #expect(call.responsesSeen == call.responses.count)
                } else if head.status == .internalError {
                    // The answer was over a limit.
                    #expect(call.wasSeen)
                } else {
                    #expect(head.hasNotRun || call.kind.streamsRequests)
                    #expect(!call.wasSeen || call.kind.streamsRequests)
                }
                untakenByClient.removeAll { $0 == stream }
            case .unreadable(let stream, _):
                Issue.record("\(stream) has an answer that the client does not read")
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
    /// The bytes of head and segments.
    var content: [UInt8] { Array(head.readableBytesView) + segments.flatMap(\.segment.array) }
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
    mutating func takePiece(_ generator: inout SeededGenerator) -> ByteBuffer {
        let limit = [3, 40, 5_000, 300_000].randomElement(using: &generator)!
        let count = min(readableBytes, Int.random(in: 0...limit, using: &generator))
        let piece = ByteBuffer(bytes: readBytes(length: count)!)
        discardReadBytes()
        return piece
    }
}
