import Crypto
import Testing

@testable import Identity

@Suite struct JWTKeyTests {
    /// The key of RFC 7638, 3.1.
    static let rfc7638Modulus =
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3o"
        + "knjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHz"
        + "u6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8"
        + "awapJzKnqDKgw"

    static func rsa() throws -> JWTKey.Parameters {
        .rsa(modulus: try #require(Base64URL.decode(rfc7638Modulus.utf8)), exponent: [1, 0, 1])
    }

    static func elliptic() -> JWTKey.Parameters {
        let point = Array(P256.Signing.PrivateKey().publicKey.rawRepresentation)
        return .elliptic(.p256, x: Array(point.prefix(32)), y: Array(point.suffix(32)))
    }

    @Test("RFC 7638's key has RFC 7638's thumbprint, which is its identifier where none is given")
    func thumbprint() throws {
        let key = try JWTKey(Self.rsa())
        #expect(key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        #expect(key.identifier == key.thumbprint)
        #expect(try JWTKey(Self.rsa(), identifier: "a").thumbprint == key.thumbprint)
    }

    @Test("points on each curve are keys")
    func curves() throws {
        let p384 = Array(P384.Signing.PrivateKey().publicKey.rawRepresentation)
        let p521 = Array(P521.Signing.PrivateKey().publicKey.rawRepresentation)
        _ = try JWTKey(Self.elliptic())
        _ = try JWTKey(.elliptic(.p384, x: Array(p384.prefix(48)), y: Array(p384.suffix(48))))
        _ = try JWTKey(.elliptic(.p521, x: Array(p521.prefix(66)), y: Array(p521.suffix(66))))
    }

    @Test("what is no key, or too weak a one, is refused for it")
    func refusals() throws {
        let modulus = try #require(Base64URL.decode(Self.rfc7638Modulus.utf8))
        let zeros = Array(repeating: UInt8(0), count: 32)
        let cases: [(JWTKey.Parameters, String)] = [
            (.elliptic(.p256, x: zeros, y: zeros), "a point on P-256"),
            (.elliptic(.p256, x: [1], y: zeros), "coordinates of 32 bytes"),
            (.elliptic(.p384, x: zeros, y: zeros), "coordinates of 48 bytes on P-384, found 32 and 32"),
            (.rsa(modulus: [], exponent: [1, 0, 1]), "found 0 bits"),
            (.rsa(modulus: Array(modulus.dropFirst()), exponent: [1, 0, 1]), "found 2040 bits"),
            (.rsa(modulus: [0] + modulus, exponent: [1, 0, 1]), "without leading zeros"),
            (.rsa(modulus: Array(modulus.dropLast()) + [2], exponent: [1, 0, 1]), "an odd RSA modulus"),
            (.rsa(modulus: Array(repeating: 0xFF, count: 1_025), exponent: [1, 0, 1]), "found 8200 bits"),
            (.rsa(modulus: modulus, exponent: []), "exponent"), (.rsa(modulus: modulus, exponent: [1]), "exponent"),
            (.rsa(modulus: modulus, exponent: [4]), "odd RSA exponent"),
            (.rsa(modulus: modulus, exponent: [0, 3]), "exponent"),
            (.rsa(modulus: modulus, exponent: [1, 0, 0, 0, 1]), "exponent"),
        ]
        for (parameters, message) in cases {
            let error = identityError { try JWTKey(parameters) }
            #expect(error?.code == .keyNotAllowed)
            #expect(error?.message.contains(message) == true, "\(error?.description ?? "no error")")
        }
        for identifier in ["", String(repeating: "a", count: 256)] {
            #expect(identityError { try JWTKey(Self.rsa(), identifier: identifier) }?.message.contains("kid") == true)
        }
    }
}
