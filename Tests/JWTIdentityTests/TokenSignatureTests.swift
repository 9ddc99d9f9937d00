import Identity
import Testing

@testable import JWTIdentity

@Suite struct TokenSignatureTests {
    /// RFC 7515, A.3.
    @Test("RFC 7515's ES256 signature is one, and no changed one is")
    func rfc7515() async throws {
        let x = try #require(Base64URL.decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".utf8))
        let y = try #require(Base64URL.decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0".utf8))
        let key = try JWTKey(.elliptic(.p256, x: x, y: y))
        let signed = Array(
            ("eyJhbGciOiJFUzI1NiJ9."
                + "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ").utf8
        )
        let signature = try #require(
            Base64URL.decode(
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q".utf8))
        #expect(try TokenSignature.isValid(signature, of: signed, by: .es256, with: key))
        #expect(try !TokenSignature.isValid(signature, of: signed + [0], by: .es256, with: key))
        for bad in [[], [1], Array(signature.dropLast()), signature + [0], Array(repeating: 0, count: 64)] {
            #expect(try !TokenSignature.isValid(bad, of: signed, by: .es256, with: key))
        }
    }

    @Test("what another program signed by each algorithm is read, and by none of the others", arguments: 0..<9)
    func foreign(index: Int) async throws {
        let (algorithm, text) = ForeignTokens.tokens[index]
        let bundle = try TrustDomainBundle(
            document: Array(ForeignTokens.document.utf8), of: TrustDomain(parsing: "example.org"))
        let token = try CompactToken(text, maximumBytes: 8_192)
        let key = try #require(bundle.jwtKey(token.keyIdentifier))
        for other in TokenAlgorithm.allCases where other.fits(key) {
            let isValid = try TokenSignature.isValid(token.signature, of: token.signed, by: other, with: key)
            #expect(isValid == (other == algorithm), "\(other)")
        }
    }
}
