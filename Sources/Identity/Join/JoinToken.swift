/// A one-time permission to join a mesh: whom to trust (the root's SHA-256) and a secret that is worth one certificate.
///
/// The text form is `meshwork-join-1.` and base64url of root fingerprint (32 bytes), secret (32 bytes) and the first
/// four bytes of the SHA-256 of both with the prefix, so that a token cut short or mistyped is told from a wrong one.
/// Only ``text`` shows the secret; description and reflection do not.
public struct JoinToken: Sendable, Hashable {
    /// The SHA-256 of the root certificate that the issuing server's chain must contain.
    public let rootFingerprint: SHA256Fingerprint
    /// 32 random bytes, which the joining workload sends once the server has proved itself.
    public let secret: [UInt8]

    private static let prefix = "meshwork-join-1."
    private static let secretLength = 32
    private static let checksumLength = 4

    /// Makes a token of a secret and the root to expect; nil unless the secret has 32 bytes.
    package init?(rootFingerprint: SHA256Fingerprint, secret: [UInt8]) {
        guard secret.count == Self.secretLength else { return nil }
        self.rootFingerprint = rootFingerprint
        self.secret = secret
    }

    /// Makes a token with a fresh secret; a registry issues it.
    init(rootFingerprint: SHA256Fingerprint, using generator: inout some RandomNumberGenerator) {
        self.rootFingerprint = rootFingerprint
        self.secret = (0..<Self.secretLength / 8).flatMap { _ in
            let word: UInt64 = generator.next()
            return (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
        }
    }

    /// Reads a token's text form; whitespace around it is not part of it and is refused.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedToken``, whose message does not repeat the
    ///   text.
    public init(parsing text: String) throws(IdentityError) {
        guard text.utf8.starts(with: Self.prefix.utf8) else {
            throw IdentityError(.malformedToken, "expected a join token to begin with \(Self.prefix)")
        }
        let length = 32 + Self.secretLength + Self.checksumLength
        guard let bytes = Base64URL.decode(text.utf8.dropFirst(Self.prefix.utf8.count)), bytes.count == length else {
            throw IdentityError(
                .malformedToken,
                "expected base64url of \(length) bytes after \(Self.prefix), found "
                    + "\(text.utf8.count - Self.prefix.utf8.count) characters that are not")
        }
        let payload = Array(bytes.dropLast(Self.checksumLength))
        guard Self.checksum(of: payload) == Array(bytes.suffix(Self.checksumLength)),
            let fingerprint = SHA256Fingerprint(bytes: payload.prefix(32))
        else {
            throw IdentityError(.malformedToken, "the join token's checksum is wrong: it was mistyped or altered")
        }
        self.rootFingerprint = fingerprint
        self.secret = Array(payload.suffix(Self.secretLength))
    }

    /// The text form, secret included: hand it over on a channel that nobody else reads.
    public var text: String {
        let payload = rootFingerprint.bytes + secret
        return Self.prefix + Base64URL.encode(payload + Self.checksum(of: payload))
    }

    private static func checksum(of payload: [UInt8]) -> [UInt8] {
        Array(SHA256Fingerprint(of: Array(prefix.utf8) + payload).bytes.prefix(checksumLength))
    }
}

extension JoinToken: CustomStringConvertible, CustomReflectable {
    /// The root's fingerprint, and nothing of the secret.
    public var description: String { "join token for root \(rootFingerprint)" }
    /// Shows the root's fingerprint, and nothing of the secret.
    public var customMirror: Mirror { Mirror(self, children: ["rootFingerprint": rootFingerprint]) }
}
