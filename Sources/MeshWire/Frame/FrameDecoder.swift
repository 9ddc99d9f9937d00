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
    /// What both sides can do; known once the hello has been read.
    package var features: Features = []
    private var pending = ByteBuffer()
    private var header: FrameHeader?
    private var dataRemaining = 0
    /// True once a frame had a checksum: all that follow have one.
    private var hasSeenChecksum = false
    /// How many frames have come whole.
    package private(set) var completed = 0

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
        guard header.kind != .data || header.hasChecksum else { return nextPiece(of: header) }
        guard var payload = pending.readSlice(length: header.payloadLength) else { return nil }
        completed += 1
        self.header = nil
        if header.hasChecksum { try verify(&payload, of: header) }
        return header.kind == .data ? .data(header.stream, payload) : .frame(header, payload)
    }

    /// Takes the checksum off a frame's payload; throws if it is of other bytes.
    private mutating func verify(_ payload: inout ByteBuffer, of header: FrameHeader) throws(WireError) {
        let length = payload.readableBytes - CRC32C.size
        guard let claimed = payload.getInteger(at: payload.readerIndex + length, as: UInt32.self) else {
            throw WireError(.malformed, "a \(header.kind) frame says that it has a checksum and has no room for one")
        }
        var head = ByteBuffer()
        header.write(to: &head)
        var checksum = CRC32C()
        checksum.append(head.readableBytesView)
        checksum.append(payload.readableBytesView.prefix(length))
        guard checksum.value == claimed else {
            throw WireError(.corrupted, "the checksum of a \(header.kind) frame on \(header.stream) is of other bytes")
        }
        hasSeenChecksum = true
        payload = payload.readSlice(length: length) ?? ByteBuffer()
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
        guard features.isSuperset(of: read.kind.feature) else {
            throw WireError(.unexpectedFrame, "a \(read.kind) frame needs a feature that the two sides do not share")
        }
        // One that was written before our hello was read has none: a server may go away that early, and nobody says
        // anything else. A frame that lost its flag on the way is none of those.
        let mayLackChecksum = !features.contains(.checksums) || read.kind == .goAway && !hasSeenChecksum
        guard read.hasChecksum ? features.contains(.checksums) : mayLackChecksum else {
            throw WireError(.malformed, "a \(read.kind) frame \(read.hasChecksum ? "has a" : "lacks its") checksum")
        }
        guard read.kind != .data || read.payloadLength > (read.hasChecksum ? CRC32C.size : 0) else {
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
        if dataRemaining == 0 {
            completed += 1
            self.header = nil
        }
        return .data(header.stream, piece)
    }
}
