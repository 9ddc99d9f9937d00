/// A SPIFFE ID: the name of a workload, `spiffe://<trust domain>/<path>`.
///
/// SPIFFE-ID standard, 2: at most 2,048 bytes; scheme and trust domain in any case (kept in lower case), path
/// case-sensitive; path segments of `A-Z`, `a-z`, `0-9`, `.`, `-` and `_`, none of them empty, `.` or `..`, and no
/// slash at the end; no user, port, query, fragment or percent-encoding. An ID without a path names the trust domain
/// itself.
/// ```swift
/// let worker = try SPIFFEID(parsing: "spiffe://digits.example/worker/0")
/// ```
public struct SPIFFEID: Sendable, Hashable {
    /// The trust domain whose roots vouch for this ID.
    public let trustDomain: TrustDomain
    /// The path with its leading slash, such as `/worker/0`; empty for the trust domain's own ID.
    public let path: String

    /// The longest ID in bytes, scheme included.
    static let maximumLength = 2_048
    private static let scheme = "spiffe://"

    /// Reads a SPIFFE ID.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidSPIFFEID`` that names the rule, or
    ///   ``IdentityError/Code/invalidTrustDomain``.
    public init(parsing text: String) throws(IdentityError) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumLength else {
            throw IdentityError(.invalidSPIFFEID, "expected at most 2048 bytes of a SPIFFE ID, found \(bytes.count)")
        }
        let scheme = Array(Self.scheme.utf8)
        let start = bytes.prefix(scheme.count).map {
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0
        }
        guard start == scheme else {
            throw IdentityError(.invalidSPIFFEID, "expected a SPIFFE ID to begin with spiffe://, found \(quoted(text))")
        }
        let rest = bytes[scheme.count...]
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let domain = try TrustDomain(utf8: rest[..<slash])
        try self.init(domain, path: String(decoding: rest[slash...], as: UTF8.self))
    }

    /// Makes an ID from its parts: `path` is empty or begins with a slash.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidSPIFFEID`` that names the rule.
    public init(_ trustDomain: TrustDomain, path: String) throws(IdentityError) {
        let length = Self.scheme.utf8.count + trustDomain.name.utf8.count + path.utf8.count
        guard length <= Self.maximumLength else {
            throw IdentityError(.invalidSPIFFEID, "expected at most 2048 bytes of a SPIFFE ID, found \(length)")
        }
        try Self.checkPath(Array(path.utf8))
        self.trustDomain = trustDomain
        self.path = path
    }

    init(domain: TrustDomain) {
        self.trustDomain = domain
        self.path = ""
    }

    private static func checkPath(_ path: [UInt8]) throws(IdentityError) {
        guard let first = path.first else { return }
        guard first == UInt8(ascii: "/") else {
            throw IdentityError(.invalidSPIFFEID, "expected a path to begin with '/', found \(byteName(first))")
        }
        guard path.last != UInt8(ascii: "/") else {
            throw IdentityError(.invalidSPIFFEID, "expected no '/' at the end of a SPIFFE ID")
        }
        for segment in path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !segment.isEmpty else {
                throw IdentityError(.invalidSPIFFEID, "expected path segments that are not empty, found '//'")
            }
            let dot = UInt8(ascii: ".")
            guard !segment.elementsEqual([dot]), !segment.elementsEqual([dot, dot]) else {
                throw IdentityError(.invalidSPIFFEID, "expected no '.' or '..' as a path segment")
            }
            for byte in segment {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    continue
                default:
                    throw IdentityError(
                        .invalidSPIFFEID,
                        "expected letters, digits, '.', '-' and '_' in a path segment, found \(byteName(byte))")
                }
            }
        }
    }

    /// Whether this is the ID of a trust domain itself, which signs and never authenticates.
    public var isTrustDomain: Bool { path.isEmpty }
}

extension SPIFFEID: LosslessStringConvertible {
    /// The ID as it stands in a certificate, with scheme and trust domain in lower case.
    public var description: String {
        Self.scheme + trustDomain.name + path
    }

    /// Reads a SPIFFE ID; nil where ``init(parsing:)`` throws.
    public init?(_ description: String) {
        guard let id = try? SPIFFEID(parsing: description) else { return nil }
        self = id
    }
}

extension SPIFFEID: Comparable {
    /// Orders by trust domain, then by the bytes of the paths.
    public static func < (left: SPIFFEID, right: SPIFFEID) -> Bool {
        left.trustDomain == right.trustDomain
            ? left.path.utf8.lexicographicallyPrecedes(right.path.utf8) : left.trustDomain < right.trustDomain
    }
}
