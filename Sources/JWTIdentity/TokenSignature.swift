import Identity
import JWTKit

/// Signatures of tokens: what is taken from JWTKit. Its parsers and its validation of claims are not: SPIFFE's rules are
/// narrower, and what reads hostile bytes here is bounded.
enum TokenSignature {
    /// Whether `signature` is the one of `key` over `bytes`, by `algorithm`, which fits the key.
    static func isValid(
        _ signature: [UInt8], of bytes: [UInt8], by algorithm: TokenAlgorithm, with key: JWTKey
    ) async throws -> Bool {
        let verifier = try await verifier(algorithm, key)
        // A signature of another length is an error of the library, and no signature.
        return (try? verifier.verify(signature, signs: bytes)) ?? false
    }

    /// The signature of `bytes` by ES256, which a new number of the system's random generator goes into.
    static func make(_ bytes: [UInt8], with key: ES256PrivateKey) async throws -> [UInt8] {
        try await JWTKeyCollection().add(ecdsa: key).getKey().sign(bytes)
    }

    private static func verifier(_ algorithm: TokenAlgorithm, _ key: JWTKey) async throws -> any JWTAlgorithm {
        let keys = JWTKeyCollection()
        switch key.parameters {
        case .elliptic(let curve, let x, let y):
            let point = (x: Base64URL.encode(x), y: Base64URL.encode(y))
            switch curve {
            case .p256: await keys.add(ecdsa: try ES256PublicKey(parameters: point))
            case .p384: await keys.add(ecdsa: try ES384PublicKey(parameters: point))
            case .p521: await keys.add(ecdsa: try ES512PublicKey(parameters: point))
            }
        case .rsa(let modulus, let exponent):
            let key = try Insecure.RSA.PublicKey(
                modulus: Base64URL.encode(modulus), exponent: Base64URL.encode(exponent))
            switch algorithm {
            case .rs256: await keys.add(rsa: key, digestAlgorithm: .sha256)
            case .rs384: await keys.add(rsa: key, digestAlgorithm: .sha384)
            case .rs512: await keys.add(rsa: key, digestAlgorithm: .sha512)
            case .ps384: await keys.add(pss: key, digestAlgorithm: .sha384)
            case .ps512: await keys.add(pss: key, digestAlgorithm: .sha512)
            default: await keys.add(pss: key, digestAlgorithm: .sha256)
            }
        }
        return try await keys.getKey()
    }
}
