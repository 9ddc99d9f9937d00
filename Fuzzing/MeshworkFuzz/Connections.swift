import NIOCore

@testable import MeshWire

/// The two sides of a connection, given what a peer sends. The first byte says how that is cut into reads; the second,
/// which features the peer has, or that the rest begins with the peer's own preface and hello.
enum Connections {
    /// Of the second byte: there is no greeting before the rest.
    private static let isWhole: UInt8 = 0x80

    private static let limits: WireLimits = {
        var limits = WireLimits()
        limits.concurrentCalls = 8
        limits.declaredMethods = 8
        limits.messageHeadBytes = 10_000
        limits.messageBytes = 100_000
        limits.largeMessageBytes = 200_000
        limits.streamCredit = 128 << 10
        limits.connectionCredit = 1 << 20
        limits.checksums = true
        return limits
    }()

    static func server(_ bytes: [UInt8]) {
        var state = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: limits)
        for read in reads(bytes) {
            state.receive(read)
            do throws(WireError) {
                while let event = try state.nextEvent() { try handle(event, &state) }
            } catch { return }
            precondition(state.openStreams <= limits.concurrentCalls)
            while state.nextWrite() != nil {}
        }
        try? state.end()
    }

    private static func handle(
        _ event: ServerConnectionState.Event, _ state: inout ServerConnectionState
    ) throws(WireError) {
        switch event {
        case .announced(let stream, _) where stream.rawValue % 8 == 5:
            state.refuse(stream, status: .permissionDenied, message: "no")
        case .call(let stream, _, let payload):
            _ = try? payload.decode(as: EmptyMessage.self)
            precondition(payload.count <= limits.messageBytes)
            if stream.rawValue % 4 == 1 { state.reply(to: stream, payload: payload) }
        case .opened(let stream, _):
            state.send(["key": "value"], on: stream)
        case .message(let stream, let payload):
            precondition(payload.count <= limits.messageBytes)
            if stream.rawValue % 4 == 1 { state.taken(from: stream) }
            if state.takesResponses(of: stream) { try? state.send(payload, on: stream) }
        case .requestsEnded(let stream):
            state.reply(to: stream)
        case .established:
            _ = state.ping(1)
        case .announced, .declared, .held, .cancelled, .pong:
            break
        }
    }

    static func client(_ bytes: [UInt8]) {
        var state = ClientConnectionState(instance: InstanceID(high: 2, low: 2), limits: limits)
        var ends: Set<StreamID> = []
        for read in reads(bytes) {
            state.receive(read)
            do throws(WireError) {
                while let event = try state.nextEvent() {
                    switch event {
                    case .established:
                        openCalls(&state)
                    case .message(let stream, let payload):
                        precondition(!ends.contains(stream) && payload.count <= limits.messageBytes)
                        if stream.rawValue % 4 == 1 { state.taken(from: stream) }
                    case .response(let stream, _, let payload):
                        _ = try? payload.decode(as: EmptyMessage.self)
                        precondition(ends.insert(stream).inserted)
                    case .unreadable(let stream, _):
                        precondition(ends.insert(stream).inserted)
                    case .goAway(_, let notTaken):
                        for stream in notTaken { precondition(ends.insert(stream).inserted) }
                    case .metadata, .pong, .answering:
                        break
                    }
                }
            } catch { return }
            precondition(state.openStreams + ends.count <= 20)
            while state.nextWrite() != nil {}
        }
        try? state.end()
    }

    /// Calls of each kind that the peer knows.
    private static func openCalls(_ state: inout ClientConnectionState) {
        let kinds = CallKind.allCases.filter { state.takes($0) }
        let methods = kinds.map {
            state.declare(path: "a.B/\($0)", requestName: "a.Q", responseName: "a.R", kind: $0)
        }
        for index in 0..<20 {
            let stream = state.open(
                methods[index % methods.count], timeRemaining: .seconds(1), deduplication: nil, metadata: Metadata(),
                payload: Payload())
            guard let stream, index % 3 == 0 else { continue }
            try? state.send(Payload(head: ByteBuffer(repeating: 1, count: 100)), on: stream)
            state.endRequests(of: stream)
        }
    }

    /// What a peer sends, in pieces.
    private static func reads(_ bytes: [UInt8]) -> [ByteBuffer] {
        guard bytes.count >= 2 else { return [] }
        let greeting = bytes[1] & isWhole == 0 ? greeting(Features(rawValue: UInt64(bytes[1] & 7))) : []
        var rest = ByteBuffer(bytes: greeting + bytes.dropFirst(2))
        var reads: [ByteBuffer] = []
        while rest.readableBytes > 0, let read = rest.readSlice(length: min(rest.readableBytes, Int(bytes[0]) * 8 + 1))
        {
            reads.append(read)
        }
        return reads
    }

    private static func greeting(_ features: Features) -> [UInt8] {
        var hello = Hello(instance: InstanceID(high: 1, low: 1), limits: limits)
        hello.features = features
        let encoded = Payload(hello).head
        var buffer = ByteBuffer(bytes: Preface.bytes)
        FrameHeader(kind: .hello, stream: .connection, payloadLength: encoded.readableBytes).write(to: &buffer)
        buffer.writeImmutableBuffer(encoded)
        return Array(buffer.readableBytesView)
    }

    // MARK: Where it begins

    /// What clients send that keep to the protocol.
    static func clientSeeds() -> [[UInt8]] { conversations().map(\.client) }

    /// What servers send that keep to the protocol.
    static func serverSeeds() -> [[UInt8]] { conversations().map(\.server) }

    /// Both sides of a connection for each set of features, whole and behind their greetings.
    private static func conversations() -> [(client: [UInt8], server: [UInt8])] {
        (0..<8 as Range<UInt8>).flatMap { bits in
            let greeting = greeting(Features(rawValue: UInt64(bits)))
            var client = ClientConnectionState(instance: InstanceID(high: 1, low: 1), limits: limits)
            var server = ServerConnectionState(instance: InstanceID(high: 1, low: 1), limits: limits)
            while client.nextWrite() != nil {}
            while server.nextWrite() != nil {}
            client.receive(ByteBuffer(bytes: greeting))
            server.receive(ByteBuffer(bytes: greeting))
            _ = try? client.nextEvent()
            _ = try? server.nextEvent()
            openCalls(&client)
            _ = client.ping(7)
            var sent: (client: [UInt8], server: [UInt8]) = ([], [])
            while let bytes = client.nextWrite() { sent.client += bytes.readableBytesView }
            server.receive(ByteBuffer(bytes: sent.client))
            while let event = try? server.nextEvent() { try? handle(event, &server) }
            server.goAway(reason: "restart")
            while let bytes = server.nextWrite() { sent.server += bytes.readableBytesView }
            return [
                ([32, bits] + sent.client, [32, bits] + sent.server),
                ([1, isWhole] + greeting + sent.client, [1, isWhole] + greeting + sent.server),
            ]
        }
    }
}
