import Crypto

/// The name and public key that notes are verified with (C2SP signed-note): Ed25519.
///
/// Its text form, such as `digits.example/issuance+c74f20a3+ARpc2Qc…`, is what an operator gives to whoever watches a log.
public struct NoteKey: Sendable, Hashable {
    /// The key's name, such as `digits.example/issuance`.
    public let name: String
    /// What tells keys of one name apart: four bytes of a SHA-256 over name, algorithm and key.
    let identifier: [UInt8]
    private let rawKey: [UInt8]

    private static let algorithm: UInt8 = 1

    init(name: String, key: Curve25519.Signing.PublicKey) throws(IdentityError) {
        guard Self.isName(name) else {
            throw IdentityError(
                .malformedNote, "expected a key's name of 1 to 255 bytes without spaces and '+', found \(quoted(name))")
        }
        self.name = name
        self.rawKey = Array(key.rawRepresentation)
        let hash = SHA256Fingerprint(of: Array(name.utf8) + [UInt8(ascii: "\n"), Self.algorithm] + rawKey)
        self.identifier = Array(hash.bytes.prefix(4))
    }

    /// Reads the text form.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedNote``.
    public init(parsing text: String) throws(IdentityError) {
        // Base64 has '+' too: name and identifier have none.
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard text.utf8.count <= 512, parts.count == 3, let encoded = Base64.decode(parts[2]), encoded.count == 33,
            encoded[0] == Self.algorithm,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: encoded.dropFirst())
        else {
            throw IdentityError(.malformedNote, "expected name+identifier+key of an Ed25519 note key")
        }
        try self.init(name: parts[0], key: key)
        guard Hexadecimal.encode(identifier) == parts[1] else {
            throw IdentityError(.malformedNote, "the identifier of the note key \(quoted(name)) is not its own")
        }
    }

    /// The text form: name, identifier in hexadecimal, algorithm and key in base64, with `+` between them.
    public var text: String {
        "\(name)+\(Hexadecimal.encode(identifier))+\(Base64.encode([Self.algorithm] + rawKey))"
    }

    func isSignature(_ signature: [UInt8], of text: [UInt8]) -> Bool {
        (try? Curve25519.Signing.PublicKey(rawRepresentation: rawKey))?.isValidSignature(signature, for: text) ?? false
    }

    private static func isName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy {
                $0 != "+" && !$0.properties.isWhitespace && $0.properties.generalCategory != .control
            }
    }
}

/// A ``NoteKey`` and the private key that signs for it.
public struct NoteSigner: Sendable {
    /// What others verify with.
    public let publicKey: NoteKey
    private let key: Curve25519.Signing.PrivateKey

    /// Makes a key of the system's random generator.
    ///
    /// - Parameter name: best a URL without scheme, such as `digits.example/issuance`.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedNote`` when it is no name.
    public init(name: String) throws(IdentityError) {
        try self.init(name: name, key: Curve25519.Signing.PrivateKey())
    }

    /// Takes a key that was made before: the 32 bytes that ``withPrivateKey(_:)`` lent.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedNote``.
    public init(name: String, privateKey: [UInt8]) throws(IdentityError) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: privateKey) else {
            throw IdentityError(.malformedNote, "expected the 32 bytes of an Ed25519 key, found \(privateKey.count)")
        }
        try self.init(name: name, key: key)
    }

    private init(name: String, key: Curve25519.Signing.PrivateKey) throws(IdentityError) {
        self.publicKey = try NoteKey(name: name, key: key.publicKey)
        self.key = key
    }

    /// Lends the private key. Whoever copies it out of `body` answers for it.
    public func withPrivateKey<Result, Failure: Error>(
        _ body: ([UInt8]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(Array(key.rawRepresentation))
    }

    func signature(of text: [UInt8]) throws(IdentityError) -> [UInt8] {
        do {
            return Array(try key.signature(for: text))
        } catch {
            throw IdentityError(.signingFailed, "a note could not be signed", cause: error)
        }
    }
}

extension NoteSigner: CustomStringConvertible, CustomReflectable {
    /// The key's name, and nothing of the private one.
    public var description: String { "note signer \(publicKey.name)" }
    /// Shows the public key.
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}
