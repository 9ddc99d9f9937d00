/// Named text values that travel with a call, in order; a key may occur more than once.
public struct Metadata: Sendable, Hashable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    /// One key and value.
    public struct Entry: MeshMessage, Hashable {
        /// `meshwork.wire.MetadataEntry`.
        public static let messageName = "meshwork.wire.MetadataEntry"

        /// The name, lower case by convention.
        public var key: String
        /// The text.
        public var value: String

        /// Makes an entry.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }

        /// Reads an entry.
        public init(from decoder: inout MessageDecoder) throws(WireError) {
            self.init(key: "", value: "")
            while let field = try decoder.nextField() {
                switch field {
                case 1: key = try decoder.string()
                case 2: value = try decoder.string()
                default: break
                }
            }
        }

        /// Writes the entry.
        public func encode(to encoder: inout MessageEncoder) {
            encoder.string(1, key)
            encoder.string(2, value)
        }
    }

    private var entries: [Entry] = []

    /// Makes metadata without entries.
    public init() {}

    /// Makes metadata of the literal's pairs, in its order.
    public init(dictionaryLiteral elements: (String, String)...) {
        entries = elements.map { Entry(key: $0, value: $1) }
    }

    /// The first value under `key`.
    public subscript(_ key: String) -> String? {
        entries.first { $0.key == key }?.value
    }

    /// Adds a value after those that are there.
    public mutating func append(_ entry: Entry) { entries.append(entry) }

    /// The index of the first entry.
    public var startIndex: Int { entries.startIndex }
    /// The index after the last entry.
    public var endIndex: Int { entries.endIndex }
    /// The entry at `position`.
    public subscript(position: Int) -> Entry { entries[position] }

    /// The size that limits are about: bytes of all keys and values, and 32 for each entry's own memory, as HTTP/2
    /// counts its fields (RFC 9113, section 6.5.2).
    package var byteCount: Int {
        entries.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 32 }
    }
}
