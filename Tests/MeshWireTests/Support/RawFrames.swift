import MeshWire
import NIOCore
import Testing

/// Bytes as a peer sends them that need not keep to anything.
struct RawFrames {
    var bytes: [UInt8] = []

    /// A peer's beginning: preface and hello.
    static var greeting: RawFrames {
        var frames = RawFrames()
        frames.bytes = Preface.bytes
        frames.add(.hello, 0, Hello(instance: InstanceID(high: 1, low: 1)))
        return frames
    }

    /// A beginning of a peer that has features.
    static func greeting(_ features: Features, streamCredit: Int = 256 << 10) -> RawFrames {
        var frames = RawFrames()
        var limits = WireLimits()
        limits.streamCredit = streamCredit
        var hello = Hello(instance: InstanceID(high: 1, low: 1), limits: limits)
        hello.features = features
        frames.bytes = Preface.bytes
        frames.add(.hello, 0, hello)
        return frames
    }

    mutating func add(_ kind: FrameKind, _ stream: UInt32, payload: [UInt8] = []) {
        var buffer = ByteBuffer()
        FrameHeader(kind: kind, stream: StreamID(rawValue: stream), payloadLength: payload.count).write(to: &buffer)
        bytes += Array(buffer.readableBytesView) + payload
    }

    mutating func add(_ kind: FrameKind, _ stream: UInt32, _ message: some MeshMessage) {
        add(kind, stream, payload: Array(Payload(message).head.readableBytesView))
    }

    /// A frame that opens or ends a stream: the head with its length, then `inline`.
    mutating func add(_ kind: FrameKind, _ stream: UInt32, head: some MeshMessage, inline: [UInt8] = []) {
        let head = Payload(head).head
        var buffer = ByteBuffer()
        buffer.writeVarint(UInt64(head.readableBytes))
        buffer.writeImmutableBuffer(head)
        add(kind, stream, payload: Array(buffer.readableBytesView) + inline)
    }

    /// Declares method `number` and its neighbours' names.
    mutating func declare(_ number: UInt32, path: String = "test.Service/Method", kind: CallKind = .unary) {
        add(
            .declare, 0,
            MethodDeclaration(
                number: number, path: path, requestName: "test.Request", responseName: "test.Response", kind: kind))
    }

    /// One of a stream's messages: its head, then `inline`.
    mutating func message(_ stream: UInt32, head: Int = 0, segments: [Int] = [], inline: [UInt8] = []) {
        let layout = PayloadLayout(
            headLength: head, segments: segments.map { PayloadLayout.SegmentLength(field: 2, length: $0) })
        add(.message, stream, head: ReplyHead(layout: layout), inline: inline)
    }

    mutating func credit(_ stream: UInt32, _ bytes: UInt32) {
        add(.credit, stream, payload: (0..<4).map { UInt8(truncatingIfNeeded: bytes >> (24 - 8 * $0)) })
    }

    mutating func request(
        _ stream: UInt32, method: UInt32 = 1, head: Int = 0, segments: [Int] = [], inline: [UInt8] = [],
        metadata: Metadata = Metadata(), deduplication: Deduplication? = nil
    ) {
        let layout = PayloadLayout(
            headLength: head, segments: segments.map { PayloadLayout.SegmentLength(field: 2, length: $0) })
        add(
            .request, stream,
            head: CallHead(
                method: method, timeRemaining: .seconds(1), deduplication: deduplication, metadata: metadata,
                layout: layout),
            inline: inline)
    }

    mutating func response(_ stream: UInt32, _ head: ReplyHead, inline: [UInt8] = []) {
        add(.response, stream, head: head, inline: inline)
    }
}

/// A server's state machine whose peer is a test.
struct ServerUnderTest: ~Copyable {
    var state: ServerConnectionState
    /// What it has sent, without preface and hello.
    private var reader: FrameDecoder = {
        var decoder = FrameDecoder(largestPayload: 1 << 30)
        decoder.features = [.streams, .ping]
        return decoder
    }()

    init(_ limits: WireLimits = WireLimits()) throws {
        state = ServerConnectionState(instance: InstanceID(high: 2, low: 2), limits: limits)
        while var bytes = state.nextWrite() {
            _ = try Preface.read(from: &bytes)
            reader.feed(bytes)
        }
        _ = try reader.next()
    }

    /// The events that `frames` cause, without the announcements; calls of the streams in `turnedAway` are refused when
    /// they are announced.
    mutating func receive(
        _ frames: RawFrames, turningAway turnedAway: Set<UInt32> = []
    ) throws(WireError) -> [ServerConnectionState.Event] {
        state.receive(ByteBuffer(bytes: frames.bytes))
        var events: [ServerConnectionState.Event] = []
        while let event = try state.nextEvent() {
            guard case .announced(let stream, _) = event else {
                events.append(event)
                continue
            }
            if turnedAway.contains(stream.rawValue) {
                state.refuse(stream, status: .permissionDenied, message: "not for you")
            }
        }
        return events
    }

    /// The kinds of the frames that were sent since the last time.
    mutating func sent() throws -> [FrameKind] {
        var kinds: [FrameKind] = []
        while let bytes = state.nextWrite() {
            reader.feed(bytes)
            while let element = try reader.next() {
                if case .frame(let header, _) = element { kinds.append(header.kind) } else { kinds.append(.data) }
            }
        }
        return kinds
    }

    /// The replies that were sent since the last time, by stream.
    mutating func replies() throws -> [(stream: UInt32, head: ReplyHead)] {
        var replies: [(UInt32, ReplyHead)] = []
        while let bytes = state.nextWrite() {
            reader.feed(bytes)
            while let element = try reader.next() {
                guard case .frame(let header, var payload) = element, header.kind == .response else { continue }
                let head = payload.readSlice(length: Int(try payload.readVarint()))!
                replies.append((header.stream.rawValue, try Payload(head: head).decode(as: ReplyHead.self)))
            }
        }
        return replies
    }
}

/// A client's state machine whose peer is a test, with its hello behind it.
struct ClientUnderTest: ~Copyable {
    var state: ClientConnectionState
    private var methods = DeclaredMethods()

    init(_ limits: WireLimits = WireLimits(), greeting: RawFrames = .greeting) throws {
        state = ClientConnectionState(instance: InstanceID(high: 3, low: 3), limits: limits)
        _ = try receive(greeting)
    }

    mutating func receive(_ frames: RawFrames) throws(WireError) -> [ClientConnectionState.Event] {
        state.receive(ByteBuffer(bytes: frames.bytes))
        var events: [ClientConnectionState.Event] = []
        while let event = try state.nextEvent() { events.append(event) }
        return events
    }

    mutating func open(
        _ payload: Payload = Payload(), path: String = "a.B/C", request: String = "a.Q", kind: CallKind = .unary
    ) -> StreamID? {
        state.open(
            methods.number(of: path, request, kind: kind, in: &state), timeRemaining: .seconds(1), deduplication: nil,
            metadata: Metadata(), payload: payload)
    }

    /// A call that the connection must take.
    mutating func opened(_ payload: Payload = Payload()) throws -> StreamID {
        let stream = open(payload)
        return try #require(stream)
    }

    /// The frames that were sent since the last time.
    mutating func sent() throws -> [FrameHeader] {
        var headers: [FrameHeader] = []
        while var bytes = state.nextWrite() {
            if bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == Preface.bytes[0] {
                _ = try Preface.read(from: &bytes)
            }
            while let header = try FrameHeader(from: &bytes) {
                bytes.moveReaderIndex(forwardBy: header.payloadLength)
                headers.append(header)
            }
        }
        return headers
    }
}

/// The methods that a test's client has declared, each once.
struct DeclaredMethods {
    private var numbers: [[String]: UInt32] = [:]

    /// The number of a method of `state`, which is declared if it has none.
    mutating func number(
        of path: String, _ request: String, kind: CallKind = .unary, in state: inout ClientConnectionState
    ) -> UInt32 {
        let key = [path, request, "\(kind)"]
        if let number = numbers[key] { return number }
        let number = state.declare(path: path, requestName: request, responseName: "a.R", kind: kind)
        numbers[key] = number
        return number
    }

    /// Opens empty calls of three methods.
    mutating func openCalls(_ count: Int, in state: inout ClientConnectionState) {
        for index in 0..<count {
            _ = state.open(
                number(of: "a.B/\(index % 3)", "a.Q", in: &state), timeRemaining: .seconds(1), deduplication: nil,
                metadata: Metadata())
        }
    }
}
