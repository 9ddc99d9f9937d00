import MeshTransport
import MeshWire
import NIOCore
import TestSupport

/// Bytes of the wire protocol, written by hand.
struct RawBytes {
    var bytes = Preface.bytes

    /// The bytes that a server of ours begins with.
    static let serverGreetingBytes = greetingBytes(limits: WireLimits())

    /// The same for one with limits of its own.
    static func greetingBytes(limits: WireLimits) -> Int {
        var hello = Hello(instance: InstanceID(high: 1, low: 1), limits: limits)
        hello.concurrentCalls = limits.concurrentCalls
        return Preface.bytes.count + FrameHeader.encodedSize + Payload(hello).head.readableBytes
    }

    /// - Parameter features: whether it has those that this library's clients have.
    init(features: Bool = false) {
        let instance = InstanceID(high: 1, low: 1)
        add(
            .hello, 0,
            Payload(features ? Hello(instance: instance, limits: WireLimits()) : Hello(instance: instance)).head)
    }

    mutating func add(_ kind: FrameKind, _ stream: UInt32, _ payload: ByteBuffer = ByteBuffer()) {
        var buffer = ByteBuffer()
        FrameHeader(kind: kind, stream: StreamID(rawValue: stream), payloadLength: payload.readableBytes).write(
            to: &buffer)
        bytes += Array(buffer.readableBytesView) + Array(payload.readableBytesView)
    }

    /// Declares `path` with the echo's message types under `number`.
    mutating func declare(_ number: UInt32 = 1, _ path: String = Echo.echo.path) {
        add(
            .declare, 0,
            Payload(
                MethodDeclaration(
                    number: number, path: path, requestName: Note.messageName, responseName: Note.messageName)
            ).head)
    }

    /// Begins a call whose request has a segment that does not follow.
    mutating func announce(_ stream: UInt32, _ time: Duration, segment: Int) {
        let head = Payload(
            CallHead(
                method: 1, timeRemaining: time, deduplication: nil, metadata: Metadata(),
                layout: PayloadLayout(headLength: 0, segments: [.init(field: 2, length: segment)]))
        ).head
        var frame = ByteBuffer()
        frame.writeVarint(UInt64(head.readableBytes))
        frame.writeImmutableBuffer(head)
        add(.request, stream, frame)
    }

    mutating func request(_ stream: UInt32, _ note: Note = Note("raw"), within time: Duration = .seconds(60)) {
        let payload = Payload(note)
        let head = Payload(
            CallHead(
                method: 1, timeRemaining: time, deduplication: nil, metadata: Metadata(), layout: payload.layout)
        ).head
        var frame = ByteBuffer()
        frame.writeVarint(UInt64(head.readableBytes))
        frame.writeImmutableBuffer(head)
        frame.writeImmutableBuffer(payload.head)
        add(.request, stream, frame)
    }

    /// The whole frames behind the preface in what a peer has sent.
    static func frames(in bytes: [UInt8]) throws -> [(header: FrameHeader, payload: ByteBuffer)] {
        var buffer = ByteBuffer(bytes: bytes)
        guard try Preface.read(from: &buffer) else { return [] }
        var frames: [(FrameHeader, ByteBuffer)] = []
        while let header = try FrameHeader(from: &buffer), let payload = buffer.readSlice(length: header.payloadLength)
        {
            frames.append((header, payload))
        }
        return frames
    }
}

extension RawClient {
    /// The streams that have been answered, when there are any.
    func answeredStreams() async -> [StreamID] {
        @Sendable func answered(_ bytes: [UInt8]) -> [StreamID] {
            ((try? RawBytes.frames(in: bytes)) ?? []).filter { $0.header.kind == .response }.map(\.header.stream)
        }
        return answered(await received { !answered($0).isEmpty })
    }
}
