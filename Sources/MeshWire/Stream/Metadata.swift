/// Named values that travel with a call, in order; a key may occur more than once.
///
/// A value is text, or bytes under a key that ends with `-bin`, as gRPC has it: on that wire other bytes cannot travel.
public struct Metadata: Sendable, Hashable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    /// One key and value.
    public struct Entry: MeshMessage, Hashable {
        /// `meshwork.wire.MetadataEntry`.
        public static let messageName = "meshwork.wire.MetadataEntry"

        /// The name, lower case by convention.
        public let key: String
        /// The text; empty where the value is bytes.
        public let value: String
        /// The bytes, under a key that ends with `-bin`; else empty.
        public let bytes: [UInt8]

        /// Makes an entry of text.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
            bytes = []
        }

        /// Makes an entry of bytes; the key ends with `-bin`.
        public init(key: String, bytes: [UInt8]) {
            precondition(Self.isBinary(key), "bytes need a key that ends with \"-bin\", not \"\(key)\"")
            self.key = key
            value = ""
            self.bytes = bytes
        }

        /// True for the keys whose values are bytes.
        package static func isBinary(_ key: String) -> Bool { key.utf8.suffix(4).elementsEqual("-bin".utf8) }

        /// Reads an entry.
        public init(from decoder: inout MessageDecoder) throws(WireError) {
            var (key, value, bytes) = ("", "", [UInt8]())
            while let field = try decoder.nextField() {
                switch field {
                case 1: key = try decoder.string()
                case 2: value = try decoder.string()
                case 3: bytes = try decoder.bytes()
                default: break
                }
            }
            guard bytes.isEmpty || Self.isBinary(key) else {
                throw WireError(.malformed, "metadata has bytes under a key that does not end with -bin")
            }
            self.key = key
            self.value = value
            self.bytes = bytes
        }

        /// Writes the entry.
        public func encode(to encoder: inout MessageEncoder) {
            encoder.string(1, key)
            encoder.string(2, value)
            encoder.bytes(3, bytes)
        }
    }

    private var entries: [Entry] = []

    /// Makes metadata without entries.
    public init() {}

    /// Makes metadata of the literal's pairs, in its order.
    public init(dictionaryLiteral elements: (String, String)...) {
        entries = elements.map { Entry(key: $0, value: $1) }
    }

    /// The first text under `key`.
    public subscript(_ key: String) -> String? {
        entries.first { $0.key == key }?.value
    }

    /// The first bytes under `key`, which ends with `-bin`.
    public subscript(bytes key: String) -> [UInt8]? {
        entries.first { $0.key == key }?.bytes
    }

    /// Adds a value after those that are there.
    public mutating func append(_ entry: Entry) { entries.append(entry) }

    /// The same, unless there are `most` already: for what a peer sends, which is then over a limit in any case.
    mutating func append(_ entry: Entry, upTo most: Int) { entries.append(entry, upTo: most) }

    /// The index of the first entry.
    public var startIndex: Int { entries.startIndex }
    /// The index after the last entry.
    public var endIndex: Int { entries.endIndex }
    /// The entry at `position`.
    public subscript(position: Int) -> Entry { entries[position] }

    /// The size that limits are about: bytes of all keys and values, and 32 for each entry's own memory, as HTTP/2
    /// counts its fields (RFC 9113, section 6.5.2).
    package var byteCount: Int {
        entries.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + $1.bytes.count + 32 }
    }
}
