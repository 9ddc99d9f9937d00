import Identity

/// The token in a request's `authorization` (RFC 6750, 2.1): `Bearer`, a space and the token.
///
/// ```swift
/// let bearer = try BearerToken(authorization: request.headers[.authorization] ?? "")
/// ```
/// Whoever has the token can use it: description and reflection do not show it.
public struct BearerToken: Sendable, Hashable {
    /// The token.
    public let text: String

    /// The most bytes of a value, checked before it is read.
    public static let maximumBytes = 65_536
    private static let scheme = "bearer"

    /// Reads the value of `authorization`. The scheme may be in any case, with one or more spaces behind it.
    ///
    /// - Throws: `JWTIdentityError` with code ``JWTIdentityError/Code/malformedAuthorization``, whose message does not
    ///   repeat the value.
    public init(authorization: String) throws(JWTIdentityError) {
        let bytes = Array(authorization.utf8)
        guard bytes.count <= Self.maximumBytes else {
            throw JWTIdentityError(
                .malformedAuthorization,
                "expected authorization of at most \(Self.maximumBytes) bytes, found \(bytes.count)")
        }
        let scheme = bytes.prefix { $0 != UInt8(ascii: " ") }
        guard scheme.map({ (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }).elementsEqual(Self.scheme.utf8) else {
            throw JWTIdentityError(
                .malformedAuthorization, "expected authorization to begin with Bearer, found another scheme")
        }
        let token = bytes[scheme.endIndex...].drop { $0 == UInt8(ascii: " ") }
        let characters = token.prefix { $0 != UInt8(ascii: "=") }
        guard !characters.isEmpty, characters.allSatisfy(Self.isTokenCharacter),
            token[characters.endIndex...].allSatisfy({ $0 == UInt8(ascii: "=") })
        else {
            throw JWTIdentityError(
                .malformedAuthorization, "expected one token behind Bearer, found none or something else")
        }
        self.text = String(decoding: token, as: UTF8.self)
    }

    /// Wraps a token, to be sent.
    ///
    /// - Throws: as ``init(authorization:)``.
    public init(_ token: String) throws(JWTIdentityError) {
        try self.init(authorization: "Bearer " + token)
    }

    /// The value of `authorization` that sends the token.
    public var authorization: String { "Bearer " + text }

    /// RFC 6750, 2.1: `b64token`.
    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}

extension BearerToken: CustomStringConvertible, CustomReflectable {
    /// Says that it is one, and nothing of it.
    public var description: String { "bearer token of \(text.utf8.count) bytes" }
    /// Shows nothing of the token.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
