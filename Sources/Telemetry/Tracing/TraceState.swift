/// What tracing systems hand on beside the trace's identifiers, each under its own key (W3C Trace Context, 3.3).
///
/// At most 32 members, in an order that matters: who changed its own last stands first.
public struct TraceState: Sendable, Hashable, CustomStringConvertible {
    /// One system's.
    public struct Member: Sendable, Hashable {
        /// Lowercase letters, digits and `_ - * / @`, at most 256.
        public let key: String
        /// Printable ASCII without `,` and `=`, at most 256 characters, the last no space.
        public let value: String

        /// nil when the key or the value is not what it may be.
        public init?(key: String, value: String) {
            guard Self.isKey(key.utf8), Self.isValue(value.utf8) else { return nil }
            self.key = key
            self.value = value
        }

        /// `key=value`.
        fileprivate var byteCount: Int { key.utf8.count + 1 + value.utf8.count }

        /// Begins with a letter or a digit.
        private static func isKey(_ key: String.UTF8View) -> Bool {
            guard let first = key.first, key.count <= 256 else { return false }
            func isAlphanumeric(_ byte: UInt8) -> Bool {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
            let others = Array("_-*/@".utf8)
            return isAlphanumeric(first) && key.allSatisfy { isAlphanumeric($0) || others.contains($0) }
        }

        private static func isValue(_ value: String.UTF8View) -> Bool {
            guard let last = value.last, last != UInt8(ascii: " "), value.count <= 256 else { return false }
            return value.allSatisfy { byte in
                (0x20...0x7E).contains(byte) && byte != UInt8(ascii: ",") && byte != UInt8(ascii: "=")
            }
        }
    }

    /// The most members that a list may have.
    public static let maximumMembers = 32
    /// The most characters that ``description`` has: the least that everybody hands on.
    public static let maximumBytes = 512

    /// In order.
    public private(set) var members: [Member] = []

    /// None.
    public init() {}

    /// Whether there is none, and no field is to be sent.
    public var isEmpty: Bool { members.isEmpty }

    /// The value under a key.
    public subscript(key: String) -> String? { members.first { $0.key == key }?.value }

    /// Reads a field's value; nil if any part of it cannot be read, if a key comes twice, or if there are more than 32.
    ///
    /// - Parameter text: several fields are joined by commas, in their order. Empty members are left out.
    public init?(_ text: String) {
        for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: true) {
            let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            let trimmed = part.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
            if trimmed.isEmpty { continue }
            guard let equals = trimmed.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let key = String(decoding: trimmed[..<equals], as: UTF8.self)
            let value = String(decoding: trimmed[trimmed.index(after: equals)...], as: UTF8.self)
            guard let member = Member(key: key, value: value), members.count < Self.maximumMembers,
                !members.contains(where: { $0.key == key })
            else { return nil }
            members.append(member)
        }
    }

    /// Adds a member, or changes the one of its key: either way it stands first. The last one falls out of a full list.
    public mutating func set(_ member: Member) {
        members.removeAll { $0.key == member.key }
        members.insert(member, at: 0)
        if members.count > Self.maximumMembers { members.removeLast() }
    }

    /// Takes a system's member away.
    public mutating func remove(key: String) {
        members.removeAll { $0.key == key }
    }

    /// The field's value. Where it would have more than ``maximumBytes``, members of more than 128 characters go first,
    /// those on the right before those on the left, and then whatever stands on the right (W3C Trace Context, 3.3.1.5).
    public var description: String {
        var kept = members
        func byteCount() -> Int { kept.reduce(max(0, kept.count - 1)) { $0 + $1.byteCount } }
        while byteCount() > Self.maximumBytes {
            kept.remove(at: kept.lastIndex { $0.byteCount > 128 } ?? kept.count - 1)
        }
        return kept.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}
