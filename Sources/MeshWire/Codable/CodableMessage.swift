/// A type of the host's own that is `Codable` and travels as a call's request or response.
///
/// ```swift
/// struct Basket: Codable, Sendable {
///     var items: [String]
/// }
///
/// enum Scoring: MeshService {
///     static let name: ServiceName = "shop.Scoring"
///     static let score = unary("Score", CodableMessage<Basket>.self, CodableMessage<Score>.self, retry: .idempotent)
/// }
///
/// let score = try await client.call(Scoring.score, CodableMessage(Basket(items: ["apple"]))).value
/// ```
/// The value is encoded as CBOR (RFC 8949), with whatever its type does in `encode(to:)` and `init(from:)`: properties
/// become the entries of a map, by their names, and `[UInt8]` becomes a string of bytes. Keys that a reader's type does
/// not know are skipped, and an optional property may be absent, so that old and new peers understand each other.
///
/// It costs time and memory that a ``MeshMessage`` written by hand does not: names travel, each nested value takes
/// allocations on either side, and large fields are copied. A message of 28 small values took about 10 times as long to
/// encode (22 to 32 µs in place of 2.5) and 3 to 4 times as long to decode (33 to 35 µs in place of 10), on one machine.
/// Use it where a call carries little, and a ``MeshMessage`` where calls are many or large.
///
/// Arrays and maps may be nested 128 deep, on either side; what a class encodes for its superclass, an enum's case and
/// its associated values are maps as well. Up to 64 KiB of CBOR are part of the message's head, more leave as a
/// segment, and the limits of messages hold for both. `userInfo` is empty.
public struct CodableMessage<Value: Codable & Sendable>: MeshMessage {
    /// What travels.
    public var value: Value

    /// Makes a message of `value`. It is encoded when it is sent.
    public init(_ value: Value) {
        self.value = value
    }

    /// `codable/`, and the name that the type chose (``NamedCodable``) or its own with its module: `codable/Shop.Basket`.
    ///
    /// Both sides of a method must agree on it, so that a type that client and server declare in different modules needs
    /// a name. What Swift has no name for is left out: the file of a private type, the function of a local one.
    public static var messageName: String { codableMessageName(of: Value.self) }

    /// Reads a value: in time and memory O(n) in its bytes, besides what the type itself does. A length or a count is held
    /// against the bytes that are there before memory is set aside for it.
    ///
    /// Throws ``WireError`` for bytes that are no CBOR, that have what this library does not read (lengths that are not
    /// said in advance, tags, a key twice), or that are not such a value; the message says where, by the coding path. What
    /// the sender could not encode is refused, with its reason. Errors of the type's own `init(from:)` are passed on in
    /// words.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var encoded: [UInt8]?
        while let field = try decoder.nextField() {
            switch CodableField(rawValue: field) {
            // Sent in the head or out of band; the bytes are copied.
            case .value: encoded = unsafe try decoder.segment().withUnsafeBytes { bytes in unsafe Array(bytes) }
            case .failure:
                let reason = try decoder.string()
                throw WireError(.malformed, "the sender could not encode it: \(reason)".abridged())
            case nil: break
            }
        }
        guard let encoded else { throw WireError(.malformed, "there is no value") }
        try self.init(encoded: encoded)
    }

    /// Reads a value of its CBOR alone, as ``init(from:)`` does.
    package init(encoded: [UInt8]) throws(WireError) {
        let document = try CBORDocument(encoded)
        do {
            value = try document.root.decode(Value.self, at: CodingPath())
        } catch let error as WireError {
            throw error
        } catch {
            throw WireError(.malformed, codingReason(error))
        }
    }

    /// The value as CBOR alone, for those who put it into messages of their own.
    ///
    /// - Throws: ``WireError`` for a value that cannot be encoded.
    package func encoded() throws(WireError) -> [UInt8] {
        let node = CBOREncodingNode()
        do {
            try node.set(value)
            return try node.finish()
        } catch {
            throw WireError(.malformed, codingReason(error))
        }
    }

    /// Writes the value.
    ///
    /// A value that cannot be encoded (its type throws, encodes a key twice, or is nested too deep) is written as the
    /// reason, which every reader refuses: its call fails at the receiver, as one whose request or response is malformed,
    /// and the caller is told the reason.
    public func encode(to encoder: inout MessageEncoder) {
        do throws(WireError) {
            let encoded = try encoded()
            if encoded.count > CodableField.mostInHead {
                encoder.segment(CodableField.value.rawValue, Segment(copying: encoded))
            } else {
                encoder.bytes(CodableField.value.rawValue, encoded)
            }
        } catch {
            encoder.repeatedString(CodableField.failure.rawValue, error.message)
        }
    }
}

extension CodableMessage: Equatable where Value: Equatable {}
extension CodableMessage: Hashable where Value: Hashable {}

/// The fields of every ``CodableMessage``.
private enum CodableField: UInt32 {
    /// The value as CBOR.
    case value = 1
    /// Why there is no value: a text.
    case failure = 2

    /// The bytes of a value up to which it is part of the head, and goes out in one frame where there is room; larger ones
    /// leave as a segment, as a head is limited to ``WireLimits/messageHeadBytes``.
    static let mostInHead = 64 << 10
}
