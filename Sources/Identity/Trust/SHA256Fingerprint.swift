import Crypto

/// The SHA-256 of some bytes, such as a certificate's DER: 32 bytes, compared and hashed in place.
public struct SHA256Fingerprint: Sendable, Hashable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The fingerprint of `bytes`.
    public init(of bytes: [UInt8]) {
        var hash = SHA256()
        hash.update(data: bytes)
        self.init(hash.finalize())
    }

    init(_ digest: SHA256Digest) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in digest.enumerated() {
            Self.put(byte, at: index, into: &words)
        }
        self.words = words
    }

    /// Reads a fingerprint from its 32 bytes; nil for another length.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            Self.put(byte, at: index, into: &words)
        }
        self.words = words
    }

    private static func put(_ byte: UInt8, at index: Int, into words: inout (UInt64, UInt64, UInt64, UInt64)) {
        let part = UInt64(byte) << UInt64(56 - 8 * (index & 7))
        switch index >> 3 {
        case 0: words.0 |= part
        case 1: words.1 |= part
        case 2: words.2 |= part
        default: words.3 |= part
        }
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }

    /// Whether both are equal, in a time that does not depend on where they differ.
    public static func == (left: SHA256Fingerprint, right: SHA256Fingerprint) -> Bool {
        let difference =
            (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1) | (left.words.2 ^ right.words.2)
            | (left.words.3 ^ right.words.3)
        return difference == 0
    }

    /// Feeds the first eight bytes, which are as good as random.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
    }
}

extension SHA256Fingerprint: CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
