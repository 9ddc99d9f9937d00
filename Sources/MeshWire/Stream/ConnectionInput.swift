import NIOCore

/// The reading side of a connection until frames mean something: preface, hello, then frames.
struct ConnectionInput {
    enum Element {
        case established(Hello, Features)
        case frame(FrameHeader, ByteBuffer)
        case data(StreamID, ByteBuffer)
    }

    private enum Phase {
        case preface(ByteBuffer)
        case hello
        case open
    }

    private var phase: Phase = .preface(ByteBuffer())
    private var decoder: FrameDecoder
    private let own: Hello

    init(own: Hello, limits: WireLimits) {
        self.own = own
        decoder = FrameDecoder(largestPayload: limits.framePayloadBytes)
    }

    mutating func feed(_ bytes: ByteBuffer) {
        guard case .preface(var start) = phase else { return decoder.feed(bytes) }
        if start.readableBytes == 0 { start = bytes } else { start.writeImmutableBuffer(bytes) }
        phase = .preface(start)
    }

    mutating func next() throws(WireError) -> Element? {
        if case .preface(var start) = phase {
            guard try Preface.read(from: &start) else { return nil }
            phase = .hello
            decoder.feed(start)
        }
        guard let element = try decoder.next() else { return nil }
        switch (phase, element) {
        case (.hello, .frame(let header, let payload)) where header.kind == .hello:
            let hello = try Payload(head: payload).decode(as: Hello.self)
            _ = try own.version(sharedWith: hello)
            phase = .open
            decoder.features = own.features.intersection(hello.features)
            return .established(hello, decoder.features)
        case (.open, .frame(let header, _)) where header.kind == .hello:
            throw WireError(.unexpectedFrame, "a second hello")
        case (.open, .frame(let header, let payload)):
            return .frame(header, payload)
        case (.open, .data(let stream, let piece)):
            return .data(stream, piece)
        default:
            throw WireError(.unexpectedFrame, "the first frame is not a hello")
        }
    }

    /// The number of the frame that is arriving and not whole, or `nil` between two.
    var unfinishedFrame: Int? {
        guard case .open = phase, !decoder.isBetweenFrames else { return nil }
        return decoder.completed
    }

    /// Throws if the connection ends here in the middle of something.
    func end() throws(WireError) {
        if case .preface(let start) = phase, start.readableBytes == 0 { return }
        guard case .open = phase, decoder.isBetweenFrames else {
            throw WireError(.truncated, "the connection ends inside a frame or before the hello")
        }
    }
}

/// A request's or response's frame, taken apart: its head, then the first bytes of the payload.
func readOpening<Head: MeshMessage>(_ payload: inout ByteBuffer, as type: Head.Type) throws(WireError) -> Head {
    let length = try payload.readVarint()
    guard length <= UInt64(payload.readableBytes), let slice = payload.readSlice(length: Int(length)) else {
        throw WireError(.truncated, "\(Head.messageName) says \(length) bytes, the frame has \(payload.readableBytes)")
    }
    return try Payload(head: slice).decode(as: Head.self)
}
