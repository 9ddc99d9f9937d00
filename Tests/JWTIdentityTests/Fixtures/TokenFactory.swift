import Crypto
import Identity

@testable import JWTIdentity

/// Tokens that may break any rule, which `JWTAuthority` refuses to make, and the bundle of the key that signs them.
struct TokenFactory {
    static let now = UnixTime(seconds: 1_800_000_000)
    static let header = #"{"alg":"ES256","kid":"one","typ":"JWT"}"#
    static let claims = #"{"sub":"spiffe://example.org/worker","aud":["reports"],"exp":1800000300,"iat":1800000000}"#

    let key = P256.Signing.PrivateKey()

    /// The bundle of example.org with this factory's key, under the name `one`.
    func bundle(algorithm: String? = nil, domain: String = "example.org") throws -> TrustBundle {
        try TrustBundle(
            [TrustDomainBundle(TrustDomain(parsing: domain), jwtKeys: [jwtKey(algorithm: algorithm)])], generation: 1)
    }

    func jwtKey(identifier: String = "one", algorithm: String? = nil) throws -> JWTKey {
        let point = Array(key.publicKey.rawRepresentation)
        return try JWTKey(
            .elliptic(.p256, x: Array(point.prefix(32)), y: Array(point.suffix(32))), identifier: identifier,
            algorithm: algorithm)
    }

    /// A token that is signed with this factory's key, whatever it says.
    func token(header: String = header, claims: String = claims) throws -> String {
        let signed = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(claims.utf8))
        let signature = try key.signature(for: Array(signed.utf8)).rawRepresentation
        return signed + "." + Base64URL.encode(Array(signature))
    }
}

/// The error that `body` throws; nil when it throws none.
func tokenError<Value>(_ body: () async throws -> Value) async -> JWTIdentityError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? JWTIdentityError
    }
}
