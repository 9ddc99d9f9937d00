/// A value that travels as a call's request or response.
///
/// The head is encoded in protobuf's wire format, so that the same definition can be answered over gRPC. Large
/// payloads are the head's *trailing* `bytes` fields: ``MessageEncoder/segment(_:_:)`` sends them out of band after
/// the head, without a copy into it.
///
/// ```swift
/// struct Basket: MeshMessage {
///     static let messageName = "shop.Basket"
///     var items: [String] = []
///
///     init(from decoder: inout MessageDecoder) throws(WireError) {
///         while let field = try decoder.nextField() {
///             if field == 1 { items.append(try decoder.string()) }
///         }
///     }
///     func encode(to encoder: inout MessageEncoder) {
///         for item in items { encoder.string(1, item) }
///     }
/// }
/// ```
/// Unknown fields are skipped and field numbers are never reused, so that old and new peers understand each other.
public protocol MeshMessage: Sendable {
    /// The message type's full name; both sides of a method must agree on it.
    static var messageName: String { get }

    /// Writes the fields, in ascending order of their numbers, segments last.
    func encode(to encoder: inout MessageEncoder)

    /// Reads the fields. Throws ``WireError`` for bytes that are not such a message.
    init(from decoder: inout MessageDecoder) throws(WireError)
}

/// A message without fields.
public struct EmptyMessage: MeshMessage, Hashable {
    /// `google.protobuf.Empty`, which it is on a gRPC wire.
    public static let messageName = "google.protobuf.Empty"

    /// Makes the message.
    public init() {}

    /// Skips what a newer peer may have added.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        while try decoder.nextField() != nil {}
    }

    /// Writes nothing.
    public func encode(to encoder: inout MessageEncoder) {}
}
