package import NIOCore

/// The kinds of frames. A receiver ends the connection on a kind that it does not know: new kinds need a feature bit.
package enum FrameKind: UInt8, Sendable {
    /// What each side can do; the first frame after the preface, once.
    case hello = 1
    /// A client gives a method a number on this connection.
    case declare = 2
    /// A call's head and the first bytes of its payload; opens a stream.
    case request = 3
    /// A call's outcome and the first bytes of its payload; ends a stream.
    case response = 4
    /// More bytes of a request's or response's payload.
    case data = 5
    /// The client does not want the answer any more.
    case cancel = 6
    /// No new streams are taken; those up to the one named are finished.
    case goAway = 7

    /// Whether the frame carries a part of a call's request or response.
    var carriesCall: Bool {
        switch self {
        case .request, .response, .data: true
        case .hello, .declare, .cancel, .goAway: false
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

    package var payloadLength: Int
    package var kind: FrameKind
    package var stream: StreamID

    package init(kind: FrameKind, stream: StreamID, payloadLength: Int) {
        self.kind = kind
        self.stream = stream
        self.payloadLength = payloadLength
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
        guard flags == 0, reserved == 0 else {
            throw WireError(.malformed, "a \(known) frame has unknown flags \(flags) or reserved bits \(reserved)")
        }
        self.init(kind: known, stream: StreamID(rawValue: stream), payloadLength: Int(length))
    }

    /// Appends the header.
    package func write(to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(
            UInt32(payloadLength), kind.rawValue, UInt8(0), UInt16(0), stream.rawValue
        )
    }

    /// Fills the length in, in a header that was written before its payload.
    package static func setPayloadLength(_ length: Int, ofHeaderAt index: Int, in buffer: inout ByteBuffer) {
        buffer.setInteger(UInt32(length), at: index)
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
