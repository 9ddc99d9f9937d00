import Testing

@testable import JWTIdentity

@Suite struct BearerTokenTests {
    @Test(
        "the token is what stands behind the scheme, which may be in any case",
        arguments: ["Bearer a.b-c_d", "bearer a.b-c_d", "BEARER   a.b-c_d"])
    func reads(value: String) throws {
        let bearer = try BearerToken(authorization: value)
        #expect(bearer.text == "a.b-c_d")
        #expect(bearer.authorization == "Bearer a.b-c_d")
    }

    @Test("a token may have padding and the other characters of RFC 6750", arguments: ["a", "~+/=", "a==", "0.9"])
    func characters(token: String) throws {
        #expect(try BearerToken(token).text == token)
    }

    @Test(
        "everything else is refused, and not repeated",
        arguments: [
            "", "Bearer", "Bearer ", "Basic secret", "secret", "Bearersecret", "Bearer secret secret", "Bearer =secret",
            "Bearer se=cret", " Bearer secret", "Bearer secret ", "Bearer\tsecret", "Bearer secret\r\n",
            "Bearer s\u{E9}cret",
            "Bearer secret,Bearer secret", "Bearer ==",
        ])
    func refuses(value: String) throws {
        do {
            _ = try BearerToken(authorization: value)
            Issue.record("it was read")
        } catch {
            #expect(error.code == .malformedAuthorization)
            #expect(!error.description.contains("secret"))
        }
    }

    @Test("a value has a limit")
    func limit() throws {
        _ = try BearerToken(String(repeating: "a", count: 65_529))
        #expect(throws: JWTIdentityError.self) { try BearerToken(String(repeating: "a", count: 65_530)) }
    }

    @Test("neither description nor reflection shows the token")
    func secrecy() throws {
        let bearer = try BearerToken("secret")
        var output = ""
        dump(bearer, to: &output)
        #expect(!output.contains("secret") && !"\(bearer)".contains("secret"))
    }
}
