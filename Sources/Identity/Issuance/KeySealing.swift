import Crypto
import CryptoExtras

/// How much a passphrase costs to try.
public struct SealingCost: Sendable, Hashable {
    /// The binary logarithm of scrypt's rounds: each one more doubles time and memory.
    public let logarithm: UInt8

    /// 2^16 rounds: 64 MiB and about a quarter of a second for each try (RFC 7914; what is paid once by an authority
    /// that starts is paid for every guess of who has stolen its file).
    public static let `default` = SealingCost(unchecked: 16)
    /// 2^10 rounds, 1 MiB: for tests, and for a passphrase that is itself 128 random bits.
    public static let low = SealingCost(unchecked: 10)

    static let logarithms: ClosedRange<UInt8> = 10...20

    /// A cost of `2^logarithm` rounds, which take 1 KiB each; nil outside 10 to 20.
    public init?(logarithm: UInt8) {
        guard Self.logarithms.contains(logarithm) else { return nil }
        self.logarithm = logarithm
    }

    private init(unchecked logarithm: UInt8) { self.logarithm = logarithm }
}

/// Bytes that only a passphrase opens: scrypt (RFC 7914, with blocks of 1 KiB) makes a key of it, AES-256-GCM encrypts
/// and vouches for all of it.
///
/// `MESHWORK-SEALED1`, kind (1 byte), logarithm of the rounds (1), salt (16), nonce (12), then what is encrypted, and its
/// tag (16). What stands before is authenticated too, so that a sealed key of one kind is not taken for another.
enum KeySealing {
    /// What is sealed.
    enum Kind: UInt8 {
        case root = 1
        case authority = 2
        case rotation = 3
    }

    private static let magic = Array("MESHWORK-SEALED1".utf8)
    private static let headerLength = magic.count + 2 + 16 + 12
    private static let tagLength = 16
    /// The most bytes that are opened: an authority has less than 10 KiB, and each key of tokens that its bundle publishes
    /// about 300 bytes.
    static let maximumBytes = 262_144

    static func seal(
        _ secret: [UInt8], _ kind: Kind, passphrase: [UInt8], cost: SealingCost,
        using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> [UInt8] {
        guard !passphrase.isEmpty else {
            throw IdentityError(.invalidConfiguration, "expected a passphrase to seal with, found an empty one")
        }
        let random = (0..<28).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let header = magic + [kind.rawValue, cost.logarithm] + random
        do {
            let key = try key(passphrase, salt: Array(random.prefix(16)), cost: cost)
            let box = try AES.GCM.seal(
                secret, using: key, nonce: AES.GCM.Nonce(data: Array(random.suffix(12))), authenticating: header)
            return header + Array(box.ciphertext) + Array(box.tag)
        } catch {
            throw IdentityError(.signingFailed, "an authority could not be sealed", cause: error)
        }
    }

    static func open(_ sealed: [UInt8], _ kind: Kind, passphrase: [UInt8]) throws(IdentityError) -> [UInt8] {
        guard (headerLength + tagLength...maximumBytes).contains(sealed.count), sealed.starts(with: magic) else {
            throw IdentityError(
                .cannotUnseal, "expected a sealed authority of at most \(maximumBytes) bytes, found something else")
        }
        let header = Array(sealed.prefix(headerLength))
        guard header[magic.count] == kind.rawValue else {
            throw IdentityError(
                .cannotUnseal, "expected a sealed \(kind), found kind \(header[magic.count])")
        }
        // Checked before it costs anything: a file from outside may ask for all memory.
        guard let cost = SealingCost(logarithm: header[magic.count + 1]) else {
            throw IdentityError(
                .cannotUnseal,
                "expected 2^\(SealingCost.logarithms) rounds of scrypt, found 2^\(header[magic.count + 1])")
        }
        do {
            let random = header.suffix(28)
            let key = try key(passphrase, salt: Array(random.prefix(16)), cost: cost)
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: Array(random.suffix(12))),
                ciphertext: sealed[headerLength..<sealed.count - tagLength], tag: sealed.suffix(tagLength))
            return Array(try AES.GCM.open(box, using: key, authenticating: header))
        } catch {
            // No cause: it says no more than this.
            throw IdentityError(.cannotUnseal, "the passphrase is wrong, or the sealed \(kind) was altered")
        }
    }

    static func key(_ passphrase: [UInt8], salt: [UInt8], cost: SealingCost) throws -> SymmetricKey {
        try KDF.Scrypt.deriveKey(
            from: passphrase, salt: salt, outputByteCount: 32, rounds: 1 << Int(cost.logarithm), blockSize: 8,
            parallelism: 1)
    }
}
