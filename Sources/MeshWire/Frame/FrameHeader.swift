package import NIOCore

/// The kinds of frames. A receiver ends the connection on a kind that it does not know, or whose feature the two sides do
/// not share: new kinds need a feature bit.
package enum FrameKind: UInt8, Sendable, CaseIterable {
    /// What each side can do; the first frame after the preface, once.
    case hello = 1
    /// A client gives a method a number on this connection.
    case declare = 2
    /// A call's head and the first bytes of its message, if it has but one; opens a stream.
    case request = 3
    /// A call's outcome and the first bytes of its message, if it has but one; ends a stream.
    case response = 4
    /// More bytes of the message that the stream's last opening frame has begun.
    case data = 5
    /// The client does not want the answer any more.
    case cancel = 6
    /// No new streams are taken; those up to the one named are finished.
    case goAway = 7
    /// The head and the first bytes of one of a stream's several messages. Needs ``Features/streams``.
    case message = 8
    /// The client has sent the last of a stream's requests. Needs ``Features/streams``.
    case end = 9
    /// More bytes may be sent, on a stream or on the connection. Needs ``Features/streams``.
    case credit = 10
    /// What a server says of a call before its first response. Needs ``Features/streams``.
    case metadata = 11
    /// Asks whether the peer is there. Needs ``Features/ping``.
    case ping = 12
    /// Answers a ping with its eight bytes. Needs ``Features/ping``.
    case pong = 13

    /// Whether the frame carries a part of a call's request or response.
    var carriesCall: Bool {
        switch self {
        case .request, .response, .data, .message, .metadata: true
        case .hello, .declare, .cancel, .goAway, .end, .credit, .ping, .pong: false
        }
    }

    /// The feature that both sides must have for it.
    var feature: Features {
        switch self {
        case .hello, .declare, .request, .response, .data, .cancel, .goAway: []
        case .message, .end, .credit, .metadata: .streams
        case .ping, .pong: .ping
        }
    }
}

/// What stands before each frame's payload: 12 bytes, big-endian.
///
/// ```
///  0               4       5       6               8              12
/// +---------------+-------+-------+---------------+---------------+
/// | payload bytes | kind  | flags | zero          | stream        |
/// +---------------+-------+-------+---------------+---------------+
/// ```
package struct FrameHeader: Sendable, Hashable {
    /// The size of an encoded header, in bytes.
    package static let encodedSize = 12
    /// Set in the flags of a frame whose payload ends with a checksum.
    static let checksumFlag: UInt8 = 1

    package var payloadLength: Int
    package var kind: FrameKind
    package var stream: StreamID
    /// Whether the payload's last four bytes are a checksum of the header and of what is before them.
    package var hasChecksum = false

    package init(kind: FrameKind, stream: StreamID, payloadLength: Int, hasChecksum: Bool = false) {
        self.kind = kind
        self.stream = stream
        self.payloadLength = payloadLength
        self.hasChecksum = hasChecksum
    }

    /// Reads a header if `buffer` holds one.
    package init?(from buffer: inout ByteBuffer) throws(WireError) {
        guard
            let (length, kind, flags, reserved, stream) = buffer.readMultipleIntegers(
                as: (UInt32, UInt8, UInt8, UInt16, UInt32).self
            )
        else { return nil }
        guard let known = FrameKind(rawValue: kind) else {
            throw WireError(.malformed, "frame kind \(kind) is unknown")
        }
        guard flags & ~Self.checksumFlag == 0, reserved == 0 else {
            throw WireError(.malformed, "a \(known) frame has unknown flags \(flags) or reserved bits \(reserved)")
        }
        self.init(
            kind: known, stream: StreamID(rawValue: stream), payloadLength: Int(length), hasChecksum: flags != 0)
    }

    /// Appends the header.
    package func write(to buffer: inout ByteBuffer) {
        // The encoder holds the only reference while it writes, so that nothing is copied.
        var encoder = MessageEncoder(appendingTo: exchange(&buffer, with: ByteBuffer()))
        write(to: &encoder)
        buffer = encoder.finish()
    }

    /// Appends the header to what a message is appended to.
    func write(to encoder: inout MessageEncoder) {
        let flags = hasChecksum ? Self.checksumFlag : 0
        encoder.append(
            UInt64(UInt32(payloadLength).byteSwapped) | UInt64(kind.rawValue) << 32 | UInt64(flags) << 40, count: 8)
        encoder.append(UInt64(stream.rawValue.byteSwapped), count: 4)
    }

    /// Fills the length in, of a frame whose header was written at `position` before that was known.
    static func overwriteLength(_ length: Int, at position: Int, in encoder: inout MessageEncoder) {
        encoder.overwrite(UInt64(UInt32(length).byteSwapped), count: 4, at: position)
    }

    /// Appends the header of a frame whose payload stays where it is.
    ///
    /// - Returns: the checksum that follows the payload, if frames have one.
    static func write(
        _ kind: FrameKind, _ stream: StreamID, before payload: ByteBuffer, _ hasChecksum: Bool,
        to buffer: inout ByteBuffer
    ) -> ByteBuffer? {
        let start = buffer.writerIndex
        let length = payload.readableBytes + (hasChecksum ? CRC32C.size : 0)
        FrameHeader(kind: kind, stream: stream, payloadLength: length, hasChecksum: hasChecksum).write(to: &buffer)
        guard hasChecksum, let header = buffer.viewBytes(at: start, length: encodedSize) else { return nil }
        var checksum = CRC32C()
        checksum.append(header)
        checksum.append(payload.readableBytesView)
        return ByteBuffer(integer: checksum.value)
    }
}

/// A call's number on its connection: odd, given out by the client in ascending order. Zero is the connection itself.
package struct StreamID: Sendable, Hashable, Comparable, RawRepresentable, CustomStringConvertible {
    package var rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The connection itself.
    package static let connection = StreamID(rawValue: 0)
    /// The first stream of a connection.
    package static let first = StreamID(rawValue: 1)

    /// The stream that is opened after this one, or `nil` when the connection has used up its numbers.
    package var next: StreamID? {
        rawValue <= UInt32.max - 2 ? StreamID(rawValue: rawValue + 2) : nil
    }

    package static func < (left: StreamID, right: StreamID) -> Bool { left.rawValue < right.rawValue }
    package var description: String { "stream \(rawValue)" }
}
