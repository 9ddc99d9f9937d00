import Crypto
import CryptoExtras
import Identity
import JWTKit

/// Signatures of tokens. They are made by JWTKit and verified by the library below it, which waits for nothing. JWTKit's
/// parsers and its validation of claims are not taken: SPIFFE's rules are narrower, and what reads hostile bytes here is
/// bounded.
enum TokenSignature {
    /// Whether `signature` is the one of `key` over `bytes`, by `algorithm`, which fits the key.
    static func isValid(
        _ signature: [UInt8], of bytes: [UInt8], by algorithm: TokenAlgorithm, with key: JWTKey
    ) throws -> Bool {
        switch key.parameters {
        case .elliptic(let curve, let x, let y):
            // A signature of another length is an error of the library, and no signature.
            switch curve {
            case .p256:
                let key = try P256.Signing.PublicKey(rawRepresentation: x + y)
                let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
                return parsed.map { key.isValidSignature($0, for: SHA256.hash(data: bytes)) } ?? false
            case .p384:
                let key = try P384.Signing.PublicKey(rawRepresentation: x + y)
                let parsed = try? P384.Signing.ECDSASignature(rawRepresentation: signature)
                return parsed.map { key.isValidSignature($0, for: SHA384.hash(data: bytes)) } ?? false
            case .p521:
                let key = try P521.Signing.PublicKey(rawRepresentation: x + y)
                let parsed = try? P521.Signing.ECDSASignature(rawRepresentation: signature)
                return parsed.map { key.isValidSignature($0, for: SHA512.hash(data: bytes)) } ?? false
            }
        case .rsa(let modulus, let exponent):
            let key = try _RSA.Signing.PublicKey(n: modulus, e: exponent)
            let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
            return switch algorithm {
            case .rs256: key.isValidSignature(signature, for: SHA256.hash(data: bytes), padding: .insecurePKCS1v1_5)
            case .rs384: key.isValidSignature(signature, for: SHA384.hash(data: bytes), padding: .insecurePKCS1v1_5)
            case .rs512: key.isValidSignature(signature, for: SHA512.hash(data: bytes), padding: .insecurePKCS1v1_5)
            case .ps256: key.isValidSignature(signature, for: SHA256.hash(data: bytes), padding: .PSS)
            case .ps384: key.isValidSignature(signature, for: SHA384.hash(data: bytes), padding: .PSS)
            case .ps512: key.isValidSignature(signature, for: SHA512.hash(data: bytes), padding: .PSS)
            case .es256, .es384, .es512: false
            }
        }
    }

    /// The signature of `bytes` by ES256, which a new number of the system's random generator goes into.
    static func make(_ bytes: [UInt8], with key: ES256PrivateKey) async throws -> [UInt8] {
        try await JWTKeyCollection().add(ecdsa: key).getKey().sign(bytes)
    }
}
