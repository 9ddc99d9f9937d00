import Identity
import Testing

@testable import JWTIdentity

@Suite struct TokenAlgorithmTests {
    @Test("there are the nine algorithms of JWT-SVID and no others")
    func names() {
        #expect(
            TokenAlgorithm.allCases.map(\.rawValue)
                == ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"])
        for name in [
            "none", "None", "NONE", "", "HS256", "HS384", "HS512", "EdDSA", "Ed25519", "ES256K", "es256", "RSA1_5",
        ] {
            #expect(TokenAlgorithm(rawValue: name) == nil)
        }
    }

    @Test("an elliptic key is for the algorithm of its curve alone, and a key that names one for that one")
    func fitting() throws {
        let factory = TokenFactory()
        let key = try factory.jwtKey()
        #expect(TokenAlgorithm.allCases.filter { $0.fits(key) } == [.es256])
        #expect(try TokenAlgorithm.es256.fits(factory.jwtKey(algorithm: "ES256")))
        #expect(try TokenAlgorithm.allCases.allSatisfy { try !$0.fits(factory.jwtKey(algorithm: "RS256")) })
        let foreign = try TrustDomainBundle(
            document: Array(ForeignTokens.document.utf8), of: TrustDomain(parsing: "example.org"))
        let fitting = foreign.jwtKeys.map { key in TokenAlgorithm.allCases.filter { $0.fits(key) } }
        #expect(fitting == [[.rs256, .rs384, .rs512, .ps256, .ps384, .ps512], [.es256], [.es384], [.es512]])
    }
}
