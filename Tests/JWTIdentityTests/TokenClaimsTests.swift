import Identity
import Testing

@testable import JWTIdentity

/// The rules of claims. Each token is signed well, so nothing else can be what it is refused for.
@Suite struct TokenClaimsTests {
    static func error(
        _ claims: String, at offset: Int64 = 0, skew: Duration = .seconds(20)
    ) async throws -> JWTIdentityError? {
        let factory = TokenFactory()
        let (token, bundle) = (try factory.token(claims: claims), try factory.bundle())
        var configuration = JWTSVIDValidatorConfiguration()
        configuration.clockSkew = skew
        let validator = try JWTSVIDValidator(configuration: configuration)
        return await tokenError {
            try validator.validate(
                token, for: ["reports"], against: bundle, now: TokenFactory.now + .seconds(offset))
        }
    }

    static func claims(
        sub: String? = #""spiffe://example.org/worker""#, aud: String? = #""reports""#, exp: String? = "1800000300",
        more: String = ""
    ) -> String {
        let members = [("sub", sub), ("aud", aud), ("exp", exp)].compactMap { name, value in
            value.map { "\"\(name)\":\($0)" }
        }
        return "{" + members.joined(separator: ",") + more + "}"
    }

    @Test(
        "the subject is the SPIFFE ID of a workload",
        arguments: [
            nil, "1", "null", #""""#, #""worker""#, #""https://example.org/worker""#, #""spiffe://example.org""#,
            #""spiffe://example.org/""#, #""spiffe://example.org//a""#, #""spiffe://example.org/a/../b""#,
            #""spiffe://example.org/a?b""#, #"["spiffe://example.org/worker"]"#,
        ])
    func subject(value: String?) async throws {
        let error = try await Self.error(Self.claims(sub: value))
        #expect(error?.code == .invalidClaim)
        #expect(error?.message.hasPrefix("sub: expected a") == true)
    }

    @Test(
        "an audience is one text or several, of which one is ours",
        arguments: [#""reports""#, #"["reports"]"#, #"["a","reports"]"#])
    func audience(value: String) async throws {
        #expect(try await Self.error(Self.claims(aud: value)) == nil)
    }

    @Test(
        "a token for others is refused",
        arguments: [#""Reports""#, #"["a","b"]"#, #""""#, #""reports ""#, #"["report","s"]"#])
    func otherAudience(value: String) async throws {
        let error = try await Self.error(Self.claims(aud: value))
        #expect(error?.code == .wrongAudience)
        #expect(error?.peer?.path == "/worker")
    }

    @Test(
        "a token without an audience, or with one that is no text, is refused",
        arguments: [nil, "[]", "null", "1", "{}", #"["reports",1]"#, "[null]"])
    func noAudience(value: String?) async throws {
        let error = try await Self.error(Self.claims(aud: value))
        #expect(error?.code == .invalidClaim)
        #expect(error?.message.hasPrefix("aud: expected") == true)
    }

    @Test("a token has at most 64 audiences")
    func manyAudiences() async throws {
        func list(_ count: Int) -> String {
            "[" + ([#""reports""#] + (1..<count).map { "\"\($0)\"" }).joined(separator: ",") + "]"
        }
        #expect(try await Self.error(Self.claims(aud: list(64))) == nil)
        #expect(try await Self.error(Self.claims(aud: list(65)))?.code == .invalidClaim)
    }

    @Test("audiences are compared by their bytes")
    func audienceBytes() async throws {
        let factory = TokenFactory()
        let (token, bundle) = (try factory.token(claims: Self.claims(aud: "\"caf\u{E9}\"")), try factory.bundle())
        let error = await tokenError {
            try JWTSVIDValidator().validate(
                token, for: ["cafe\u{301}"], against: bundle, now: TokenFactory.now)
        }
        #expect(error?.code == .wrongAudience)
    }

    @Test(
        "a token without an end, or with one that is no time, is refused",
        arguments: [nil, "null", #""1800000300""#, "{}", "1e400", "[1800000300]"])
    func noExpiration(value: String?) async throws {
        let error = try await Self.error(Self.claims(exp: value))
        #expect(error?.code == .invalidClaim)
        #expect(error?.message.hasPrefix("exp: expected a time in seconds") == true)
    }

    @Test(
        "a token is valid before its end, give or take the clock skew",
        arguments: [
            (20, 319, nil), (20, 320, .expired), (0, 299, nil), (0, 300, .expired), (300, 599, nil),
            (300, 600, .expired),
        ] as [(Int64, Int64, JWTIdentityError.Code?)])
    func expiration(skew: Int64, offset: Int64, code: JWTIdentityError.Code?) async throws {
        #expect(try await Self.error(Self.claims(), at: offset, skew: .seconds(skew))?.code == code)
    }

    @Test(
        "an end may have a fraction, which is dropped",
        arguments: [
            ("1800000300.9", 299, nil), ("1800000300.9", 300, .expired), ("1.8e9", 0, .expired), ("-1", 0, .expired),
            ("0", 0, .expired),
        ] as [(String, Int64, JWTIdentityError.Code?)])
    func fraction(value: String, offset: Int64, code: JWTIdentityError.Code?) async throws {
        #expect(try await Self.error(Self.claims(exp: value), at: offset, skew: .zero)?.code == code)
    }

    @Test(
        "a token that begins later, or was issued later, is refused, give or take the clock skew",
        arguments: ["nbf", "iat"],
        [(20, -20, nil), (20, -21, .notYetValid), (0, 0, nil), (0, -1, .notYetValid)]
            as [(Int64, Int64, JWTIdentityError.Code?)])
    func beginning(name: String, edge: (skew: Int64, offset: Int64, code: JWTIdentityError.Code?)) async throws {
        let claims = Self.claims(more: #","\#(name)":1800000000"#)
        let error = try await Self.error(claims, at: edge.offset, skew: .seconds(edge.skew))
        #expect(error?.code == edge.code)
        #expect(error == nil || error?.message.hasPrefix("\(name): ") == true)
    }

    @Test("a beginning that is no time is refused", arguments: ["nbf", "iat"], ["null", #""1800000000""#, "[]"])
    func malformedBeginning(name: String, value: String) async throws {
        let error = try await Self.error(Self.claims(more: #","\#(name)":\#(value)"#))
        #expect(error?.code == .invalidClaim)
        #expect(error?.message.hasPrefix("\(name): expected a time in seconds") == true)
    }
}
