import Crypto
import Identity
import Testing

@testable import JWTIdentity

/// The rules of form and header. Each token is signed well, so nothing else can be what it is refused for.
@Suite struct CompactTokenTests {
    static func error(header: String, claims: String = TokenFactory.claims) async throws -> JWTIdentityError? {
        let factory = TokenFactory()
        let (token, bundle) = (try factory.token(header: header, claims: claims), try factory.bundle())
        return await tokenError {
            try JWTSVIDValidator().validate(token, for: ["reports"], against: bundle, now: TokenFactory.now)
        }
    }

    @Test(
        "an algorithm that is not on the list is refused by name",
        arguments: ["none", "None", "HS256", "HS384", "HS512", "EdDSA", "ES256K", "es256", "RSA1_5", ""])
    func algorithm(name: String) async throws {
        let error = try await Self.error(header: #"{"alg":"\#(name)","kid":"one"}"#)
        #expect(error?.code == .algorithmNotAllowed)
        #expect(error?.message.hasSuffix("found \"\(name)\"") == true)
    }

    @Test(
        "an algorithm that is missing or no text is refused",
        arguments: [#"{"kid":"one"}"#, #"{"alg":256,"kid":"one"}"#, #"{"alg":null,"kid":"one"}"#])
    func noAlgorithm(header: String) async throws {
        #expect(try await Self.error(header: header)?.code == .algorithmNotAllowed)
    }

    @Test("a token that is not signed at all is refused, whether its algorithm says so or not")
    func unsigned() async throws {
        let factory = TokenFactory()
        let bundle = try factory.bundle()
        let claims = Base64URL.encode(Array(TokenFactory.claims.utf8))
        for (header, code) in [
            (#"{"alg":"none","kid":"one"}"#, JWTIdentityError.Code.algorithmNotAllowed),
            (TokenFactory.header, .malformedToken),
        ] {
            let token = Base64URL.encode(Array(header.utf8)) + "." + claims + "."
            let error = await tokenError {
                try JWTSVIDValidator().validate(token, for: ["reports"], against: bundle, now: TokenFactory.now)
            }
            #expect(error?.code == code)
        }
    }

    /// The public key as a shared secret: what a validator falls for that lets the header choose.
    @Test("a token with an authentication code under the public key is refused")
    func confusion() async throws {
        let factory = TokenFactory()
        let (key, bundle) = (factory.key.publicKey, try factory.bundle())
        let header = #"{"alg":"HS256","kid":"one"}"#
        let signed = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(TokenFactory.claims.utf8))
        for secret in [Array(key.x963Representation), Array(key.derRepresentation), Array(key.pemRepresentation.utf8)] {
            let code = Array(
                HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: SymmetricKey(data: secret)))
            let error = await tokenError {
                try JWTSVIDValidator().validate(
                    signed + "." + Base64URL.encode(code), for: ["reports"], against: bundle, now: TokenFactory.now)
            }
            #expect(error?.code == .algorithmNotAllowed)
        }
    }

    @Test("the type is JWT, JOSE or none", arguments: [#""typ":"JWT","#, #""typ":"JOSE","#, ""])
    func types(member: String) async throws {
        #expect(try await Self.error(header: "{\(member)" + #""alg":"ES256","kid":"one"}"#) == nil)
    }

    @Test("another type is refused", arguments: [#""jwt""#, #""at+jwt""#, #""""#, "1", "null", #"["JWT"]"#])
    func otherTypes(value: String) async throws {
        let error = try await Self.error(header: #"{"alg":"ES256","kid":"one","typ":\#(value)}"#)
        #expect(error?.code == .headerNotAllowed)
        #expect(error?.message.hasPrefix("typ: expected JWT, JOSE or none, found") == true)
    }

    @Test(
        "a header has nothing but alg, kid and typ: no key of its own, no extension, no compression",
        arguments: [
            #""jwk":{}"#, #""jku":"https://example.org/keys""#, #""x5c":[]"#, #""x5u":"https://example.org/""#,
            #""crit":["exp"]"#, #""b64":false"#, #""zip":"DEF""#, #""cty":"JWT""#, #""private":1"#,
        ])
    func otherParameters(member: String) async throws {
        let error = try await Self.error(header: #"{"alg":"ES256","kid":"one",\#(member)}"#)
        #expect(error?.code == .headerNotAllowed)
        #expect(error?.message.contains("expected alg, kid and typ in the header") == true)
    }

    @Test(
        "a key must be named",
        arguments: [#"{"alg":"ES256"}"#, #"{"alg":"ES256","kid":1}"#, #"{"alg":"ES256","kid":null}"#])
    func noKey(header: String) async throws {
        let error = try await Self.error(header: header)
        #expect(error?.code == .unknownKey)
        #expect(error?.message.hasPrefix("kid: expected the identifier of a key") == true)
    }

    @Test(
        "a header or claims that are no JSON object, or have a member twice, are malformed",
        arguments: [
            "", "[]", "null", "{", #"{"alg":"none","alg":"ES256","kid":"one"}"#, "{} {}", #""{}""#, "\u{FEFF}{}",
        ])
    func json(text: String) async throws {
        let header = try await Self.error(header: text)
        #expect(header?.code == .malformedToken)
        #expect(header?.message.hasPrefix("header: ") == true)
        let claims = try await Self.error(header: TokenFactory.header, claims: text.replacing("alg", with: "exp"))
        #expect(claims?.code == .malformedToken)
        #expect(claims?.message.hasPrefix("claims: ") == true)
    }

    @Test(
        "other serializations than the compact one are refused",
        arguments: ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "..", "a..b.c"])
    func parts(token: String) throws {
        #expect(throws: JWTIdentityError.self) { try CompactToken(token, maximumBytes: 100) }
    }

    @Test("a token in JSON is refused")
    func jsonSerialization() throws {
        let token = try TokenFactory().token().split(separator: ".")
        let text = #"{"protected":"\#(token[0])","payload":"\#(token[1])","signature":"\#(token[2])"}"#
        do {
            _ = try CompactToken(text, maximumBytes: 8_192)
            Issue.record("a token in JSON was read")
        } catch {
            #expect(error.code == .malformedToken)
            #expect(error.message == "expected the three parts of a compact JWS, found 1")
        }
    }

    @Test("padding, other alphabets, spaces and line feeds in base64url are refused")
    func strictBase64() throws {
        let token = try TokenFactory().token()
        let parts = token.split(separator: ".").map(String.init)
        for index in 0..<3 {
            for change in [{ $0 + "=" }, { $0 + "\n" }, { " " + $0 }, { $0 + "+" }, { $0 + "A" + $0 + "é" }]
                as [(String) -> String]
            {
                var changed = parts
                changed[index] = change(changed[index])
                #expect(throws: JWTIdentityError.self) {
                    try CompactToken(changed.joined(separator: "."), maximumBytes: 8_192)
                }
            }
        }
    }

    @Test("a token beyond the limit is refused before it is parsed, and so are too many values or too deep ones")
    func limits() async throws {
        let factory = TokenFactory()
        let (token, bundle) = (try factory.token(), try factory.bundle())
        var configuration = JWTSVIDValidatorConfiguration()
        configuration.maximumTokenBytes = token.utf8.count
        _ = try JWTSVIDValidator(configuration: configuration)
            .validate(token, for: ["reports"], against: bundle, now: TokenFactory.now)
        configuration.maximumTokenBytes -= 1
        let large = await tokenError {
            try JWTSVIDValidator(configuration: configuration)
                .validate(token, for: ["reports"], against: bundle, now: TokenFactory.now)
        }
        #expect(large?.code == .tokenTooLarge)
        let many = "[" + Array(repeating: "0", count: 1_100).joined(separator: ",") + "]"
        let values = try await Self.error(header: TokenFactory.header, claims: #"{"a":\#(many)}"#)
        #expect(values?.message.contains("at most 1024 values") == true)
        let deep = String(repeating: "[", count: 30) + String(repeating: "]", count: 30)
        let depth = try await Self.error(header: TokenFactory.header, claims: #"{"a":\#(deep)}"#)
        #expect(depth?.message.contains("nested more than 16 deep") == true)
        let members = (0..<20).map { "\"a\($0)\":1" }.joined(separator: ",")
        #expect(try await Self.error(header: "{\(members)}")?.message.contains("at most 16 values") == true)
    }
}
