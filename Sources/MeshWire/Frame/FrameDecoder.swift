package import NIOCore

/// Cuts a connection's bytes into frames, whatever pieces they arrive in.
///
/// A `data` frame's payload is handed out piece by piece as it arrives, so that its bytes are copied once, to where
/// they belong; other frames are handed out whole.
package struct FrameDecoder {
    package enum Element {
        case frame(FrameHeader, ByteBuffer)
        case data(StreamID, ByteBuffer)
    }

    /// The largest payload of a frame that carries no message of a call, in bytes: what such frames say is kept for the
    /// connection's life.
    package static let largestControlPayload = 8 << 10

    private let largestPayload: Int
    private var pending = ByteBuffer()
    private var header: FrameHeader?
    private var dataRemaining = 0

    package init(largestPayload: Int) {
        self.largestPayload = largestPayload
    }

    /// Takes bytes off the connection.
    package mutating func feed(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            pending.discardReadBytes()
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// True if the connection could end here without cutting a frame short.
    package var isBetweenFrames: Bool { header == nil && pending.readableBytes == 0 }

    /// The next frame or piece of one, or `nil` until more bytes arrive.
    package mutating func next() throws(WireError) -> Element? {
        defer { releaseIfRead() }
        guard let header = try currentHeader() else { return nil }
        guard header.kind != .data else { return nextPiece(of: header) }
        guard let payload = pending.readSlice(length: header.payloadLength) else { return nil }
        self.header = nil
        return .frame(header, payload)
    }

    /// Lets go of bytes that were read: the connection receives into the same memory again if nobody holds it, and
    /// copies it otherwise.
    private mutating func releaseIfRead() {
        if pending.readableBytes == 0 { pending = ByteBuffer() }
    }

    private mutating func currentHeader() throws(WireError) -> FrameHeader? {
        if let header { return header }
        guard let read = try FrameHeader(from: &pending) else { return nil }
        let limit = read.kind.carriesCall ? largestPayload : min(Self.largestControlPayload, largestPayload)
        guard read.payloadLength <= limit else {
            throw WireError(
                .tooLarge, "a \(read.kind) frame of \(read.payloadLength) bytes is over the limit of \(limit)")
        }
        guard read.kind != .data || read.payloadLength > 0 else {
            throw WireError(.malformed, "a data frame is empty")
        }
        header = read
        dataRemaining = read.payloadLength
        return read
    }

    private mutating func nextPiece(of header: FrameHeader) -> Element? {
        let length = min(pending.readableBytes, dataRemaining)
        guard length > 0, let piece = pending.readSlice(length: length) else { return nil }
        dataRemaining -= length
        if dataRemaining == 0 { self.header = nil }
        return .data(header.stream, piece)
    }
}
