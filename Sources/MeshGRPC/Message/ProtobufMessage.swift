public import MeshWire
import NIOCore
public import SwiftProtobuf

/// A generated protobuf type that travels as a call's request or response, over `meshwork/1` and over gRPC.
///
/// One line makes a type of swift-protobuf's generator one:
///
/// ```swift
/// extension Shop_Basket: ProtobufMessage {}
/// ```
/// Its message name is that of its `.proto` file, and its bytes are the same on both wires.
public protocol ProtobufMessage: MeshMessage, SwiftProtobuf.Message {}

extension ProtobufMessage {
    /// The full name in the `.proto` file, such as `shop.Basket`.
    public static var messageName: String { protoMessageName }

    /// Writes the message's fields.
    ///
    /// A message that cannot be serialized (it is over 2 GiB, or it holds an `Any` read from JSON whose type this
    /// process does not know) is written as bytes that no reader accepts: its call fails at the receiver and is not
    /// mistaken for one with an empty message.
    public func encode(to encoder: inout MessageEncoder) {
        // What proto2 requires and is missing, the receiver says.
        if let encoded: EncodedMessage = try? serializedBytes(partial: true) {
            encoder.raw(encoded.buffer)
        } else {
            // Field number zero, which does not exist.
            encoder.raw(ByteBuffer(bytes: [0]))
        }
    }

    /// Reads the message's fields. Throws ``/MeshWire/WireError`` for bytes that are not such a message.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        let bytes = try decoder.rest()
        do {
            try self.init(serializedBytes: bytes.readableBytesSpan)
        } catch {
            throw WireError(.malformed, "the bytes are no \(Self.protoMessageName): \(error)")
        }
    }
}

/// The buffer that a message is serialized into.
private struct EncodedMessage: SwiftProtobufContiguousBytes {
    var buffer: ByteBuffer

    init(repeating byte: UInt8, count: Int) {
        buffer = ByteBuffer(repeating: byte, count: count)
    }

    init<Bytes: Sequence>(_ bytes: Bytes) where Bytes.Element == UInt8 {
        buffer = ByteBuffer(bytes: bytes)
    }

    var count: Int { buffer.readableBytes }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        // The caller keeps no pointer, as the protocol asks of it.
        try unsafe buffer.withUnsafeReadableBytes(body)
    }

    mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        // As above.
        try unsafe buffer.withUnsafeMutableReadableBytes(body)
    }
}
