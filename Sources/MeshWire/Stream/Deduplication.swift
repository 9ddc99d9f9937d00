/// One life of a client, as the servers that remember its calls know it: 128 bits that compare as a number.
public struct SessionID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The upper 64 bits: for sessions that are issued in order, the order.
    public let high: UInt64
    /// The lower 64 bits.
    public let low: UInt64

    /// Makes a session id of its two halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Compares the upper halves, then the lower ones.
    public static func < (left: SessionID, right: SessionID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// 32 hexadecimal digits.
    public var description: String { Hexadecimal.string(high) + Hexadecimal.string(low) }

    /// Reads the text form: exactly 32 hexadecimal digits.
    public init?(_ text: String) {
        // The characters are looked at first: `UInt64` takes a sign as well.
        guard text.utf8.count == 32, text.allSatisfy(\.isHexDigit), let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}

/// What makes a call recognisable when it arrives twice: the session that made it and its sequence numbers.
///
/// A plain service uses one scope, 0. A push has an entry for each partition that it touches, with the partition's
/// number as the scope, and each entry is answered by itself.
public struct Deduplication: MeshMessage, Hashable {
    /// `meshwork.wire.Deduplication`.
    public static let messageName = "meshwork.wire.Deduplication"

    /// A sequence number in one scope.
    public struct Entry: MeshMessage, Hashable {
        /// `meshwork.wire.DeduplicationEntry`.
        public static let messageName = "meshwork.wire.DeduplicationEntry"

        /// What counts its own sequence numbers: a partition, or 0.
        public var scope: UInt64
        /// The call's number in the scope, from 1 on.
        public var sequence: UInt64
        /// The client holds the answers of all numbers up to this one; the server may forget them.
        public var acknowledgedThrough: UInt64

        /// Makes an entry.
        public init(scope: UInt64, sequence: UInt64, acknowledgedThrough: UInt64) {
            self.scope = scope
            self.sequence = sequence
            self.acknowledgedThrough = acknowledgedThrough
        }

        /// Reads an entry.
        public init(from decoder: inout MessageDecoder) throws(WireError) {
            self.init(scope: 0, sequence: 0, acknowledgedThrough: 0)
            while let field = try decoder.nextField() {
                switch field {
                case 1: scope = try decoder.uint64()
                case 2: sequence = try decoder.uint64()
                case 3: acknowledgedThrough = try decoder.uint64()
                default: break
                }
            }
        }

        /// Writes the entry.
        public func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, scope)
            encoder.uint64(2, sequence)
            encoder.uint64(3, acknowledgedThrough)
        }
    }

    /// The session that made the call; it is never resent under another.
    public var session: SessionID
    /// One entry a scope.
    public var entries: [Entry]
    /// The server that the call was sent to first, where this is another one that shares its store.
    public var firstInstance: InstanceID?

    /// Makes the identity of a call.
    public init(session: SessionID, entries: [Entry]) {
        self.session = session
        self.entries = entries
    }

    /// Reads the session and its entries.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var firstHigh: UInt64 = 0
        var firstLow: UInt64 = 0
        entries = []
        while let field = try decoder.nextField() {
            switch field {
            case 1: high = try decoder.fixed64()
            case 2: low = try decoder.fixed64()
            case 3: entries.append(try decoder.message(), upTo: WireLimits.mostEntries)
            case 4: firstHigh = try decoder.fixed64()
            case 5: firstLow = try decoder.fixed64()
            default: break
            }
        }
        session = SessionID(high: high, low: low)
        if firstHigh | firstLow != 0 { firstInstance = InstanceID(high: firstHigh, low: firstLow) }
    }

    /// Writes the session and its entries.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.fixed64(1, session.high)
        encoder.fixed64(2, session.low)
        for entry in entries { encoder.message(3, entry) }
        guard let firstInstance else { return }
        encoder.fixed64(4, firstInstance.high)
        encoder.fixed64(5, firstInstance.low)
    }
}
