/// The name of a trust domain: the workloads that share a root of trust.
///
/// SPIFFE-ID standard, 2.1: 1 to 255 bytes of `a-z`, `0-9`, `.`, `-` and `_`. Upper-case ASCII letters are read as
/// lower case, so two spellings of one domain are equal.
public struct TrustDomain: Sendable, Hashable {
    /// The name in lower case, such as `example.org`.
    public let name: String

    /// The longest name in bytes.
    static let maximumLength = 255

    /// Reads a trust domain's name.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidTrustDomain``.
    public init(parsing text: String) throws(IdentityError) {
        try self.init(utf8: text.utf8)
    }

    init(utf8: some Collection<UInt8>) throws(IdentityError) {
        guard !utf8.isEmpty else {
            throw IdentityError(.invalidTrustDomain, "expected 1 to 255 bytes of a trust domain, found none")
        }
        guard utf8.count <= Self.maximumLength else {
            throw IdentityError(
                .invalidTrustDomain, "expected at most 255 bytes of a trust domain, found \(utf8.count)")
        }
        var lowercase: [UInt8] = []
        lowercase.reserveCapacity(utf8.count)
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                lowercase.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                lowercase.append(byte | 0x20)
            default:
                throw IdentityError(
                    .invalidTrustDomain,
                    "expected letters, digits, '.', '-' and '_' in a trust domain, found \(byteName(byte))")
            }
        }
        self.name = String(decoding: lowercase, as: UTF8.self)
    }

    /// The SPIFFE ID of the trust domain itself, which its signing certificates carry and no workload may.
    public var id: SPIFFEID {
        SPIFFEID(domain: self)
    }
}

extension TrustDomain: LosslessStringConvertible {
    /// The name in lower case.
    public var description: String { name }

    /// Reads a trust domain's name; nil where ``init(parsing:)`` throws.
    public init?(_ description: String) {
        guard let domain = try? TrustDomain(parsing: description) else { return nil }
        self = domain
    }
}

extension TrustDomain: Comparable {
    /// Orders by the bytes of the names.
    public static func < (left: TrustDomain, right: TrustDomain) -> Bool {
        left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }
}

/// A byte as an error message shows it: the character where it is printable ASCII, else hexadecimal.
func byteName(_ byte: UInt8) -> String {
    (0x21...0x7E).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
}
