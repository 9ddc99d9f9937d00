import Crypto
import Testing
import X509

@testable import Identity

@Suite struct TrustDomainBundleDocumentTests {
    static func read(_ text: String) throws -> TrustDomainBundle {
        try TrustDomainBundle(document: Array(text.utf8), of: exampleDomain())
    }

    static func root() throws -> String { Base64.encode(try CertificateFactory.root().der) }

    @Test("a bundle is read from its own document as it was, with keys of every kind")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 7)
        let ed25519 = try CertificateAuthority(
            trustDomain: exampleDomain(), key: .ed25519, now: CertificateFactory.now, using: &generator)
        let p384 = Array(P384.Signing.PrivateKey().publicKey.rawRepresentation)
        let bundles = try [
            TrustDomainBundle(exampleDomain()),
            TrustDomainBundle(exampleDomain(), sequence: 0, refreshHint: .seconds(1)),
            TrustDomainBundle(
                exampleDomain(),
                roots: [CertificateFactory.root().der, OpenSSLFixtures.rsaRoot, ed25519.rootCertificate],
                jwtKeys: [
                    JWTKey(JWTKeyTests.elliptic(), algorithm: "ES256"), JWTKey(JWTKeyTests.rsa(), identifier: "rsa"),
                    JWTKey(.elliptic(.p384, x: Array(p384.prefix(48)), y: Array(p384.suffix(48)))),
                ],
                sequence: .max, refreshHint: .seconds(31_536_000)),
        ]
        for bundle in bundles {
            let read = try TrustDomainBundle(document: bundle.document, of: exampleDomain())
            #expect(read == bundle)
            #expect(read.document == bundle.document)
        }
    }

    @Test("a root is written as a key that others can read: with its numbers beside the certificate")
    func writing() throws {
        let root = try CertificateFactory.root()
        let document = try TrustDomainBundle(exampleDomain(), roots: [root.der], sequence: 3).document
        let key = try JSONParser.parse(document, limits: JSONTests.limits)["keys"]?.array?[0]
        let point = Array(root.key.publicKey.rawRepresentation)
        #expect(key?["kty"]?.string == "EC")
        #expect(key?["crv"]?.string == "P-256")
        #expect(key?["x"]?.string == Base64URL.encode(Array(point.prefix(32))))
        #expect(key?["y"]?.string == Base64URL.encode(Array(point.suffix(32))))
        #expect(key?["use"]?.string == "x509-svid")
        #expect(try key?["x5c"]?.array == [.string(Base64.encode(root.der))])
        #expect(key?["kid"] == nil)
        let text = String(decoding: document, as: UTF8.self)
        #expect(text.hasSuffix(#"],"spiffe_sequence":3,"spiffe_refresh_hint":300}"#))
        let rsa = try TrustDomainBundle(exampleDomain(), roots: [OpenSSLFixtures.rsaRoot]).document
        let rsaKey = try JSONParser.parse(rsa, limits: JSONTests.limits)["keys"]?.array?[0]
        #expect(rsaKey?["e"]?.string == "AQAB")
        #expect(Base64URL.decode((rsaKey?["n"]?.string ?? "").utf8)?.count == 256)
    }

    @Test("empty keys revoke everything, and numbers that are not given have defaults")
    func empty() throws {
        let bundle = try Self.read(#"{"keys":[]}"#)
        #expect(bundle.roots.isEmpty && bundle.jwtKeys.isEmpty)
        #expect(bundle.sequence == nil)
        #expect(bundle.refreshHint == .seconds(300))
        #expect(try Self.read(#"{"keys":[],"spiffe_refresh_hint":0}"#).refreshHint == .seconds(300))
        #expect(try Self.read(#"{"keys":[],"spiffe_refresh_hint":60}"#).refreshHint == .seconds(60))
        #expect(try Self.read(#"{"keys":[],"spiffe_sequence":18446744073709551615}"#).sequence == .max)
    }

    @Test("a key of an unknown kind or use is passed over, and what else a key says is not read")
    func passedOver() throws {
        let root = try Self.root()
        let bundle = try Self.read(
            """
            {"keys":[
             {"kty":"oct","use":"jwt-svid","kid":"a","k":"AAAA"}, {"kty":"OKP","use":"jwt-svid","kid":"b"},
             {"kty":"EC","use":"sig","kid":"c"}, {"kty":"EC","use":"wit-svid"}, {"kty":"EC"}, {"kty":"EC","use":7},
             {"kty":"EC","use":"X509-SVID","x5c":["\(root)"]}, {"kty":"new","use":"x509-svid","x5c":["\(root)"]},
             {"kty":"EC","use":"x509-svid"}, {"kty":"EC","use":"x509-svid","x5c":[]},
             {"kty":"EC","use":"x509-svid","x5c":["\(root)","not read"],"crv":5,"kid":{},"key_ops":[[]]}
            ],"spiffe_more":{"a":[]}}
            """)
        #expect(bundle.roots.map(Base64.encode) == [root])
        #expect(bundle.jwtKeys.isEmpty)
    }

    @Test(
        "what is wrong is named by its place",
        arguments: [
            ("", "expected a value"), ("[]", "expected an object, found an array"),
            ("{}", "keys: expected an array, found none"),
            (#"{"keys":null}"#, "keys: expected an array, found null"),
            (#"{"keys":[1]}"#, "keys[0]: expected an object, found a number"),
            (#"{"keys":[],"keys":[]}"#, "\"keys\" appears twice"),
            (#"{"keys":[{"use":"x509-svid"}]}"#, "keys[0].kty: expected a string, found none"),
            (#"{"keys":[],"spiffe_sequence":-1}"#, "spiffe_sequence: expected a whole number of 64 bits"),
            (#"{"keys":[],"spiffe_sequence":18446744073709551616}"#, "spiffe_sequence"),
            (#"{"keys":[],"spiffe_sequence":1.5}"#, "spiffe_sequence"),
            (#"{"keys":[],"spiffe_sequence":"1"}"#, "found a string"),
            (#"{"keys":[],"spiffe_refresh_hint":-1}"#, "spiffe_refresh_hint: expected 0 or"),
            (#"{"keys":[],"spiffe_refresh_hint":31536001}"#, "31536001"),
            (#"{"keys":[],"spiffe_refresh_hint":"soon"}"#, "spiffe_refresh_hint: expected a whole number of seconds"),
            (
                #"{"keys":[{"kty":"EC","use":"x509-svid","x5c":"AAAA"}]}"#,
                "keys[0].x5c: expected an array, found a string"
            ),
            (
                #"{"keys":[{"kty":"EC","use":"x509-svid","x5c":[5]}]}"#,
                "keys[0].x5c[0]: expected base64 of a certificate"
            ),
            (#"{"keys":[{"kty":"EC","use":"x509-svid","x5c":["A-_A"]}]}"#, "keys[0].x5c[0]: expected base64"),
            (#"{"keys":[{"kty":"EC","use":"jwt-svid"}]}"#, "keys[0].kid: expected a string, found none"),
            (
                #"{"keys":[{"kty":"EC","use":"jwt-svid","kid":""}]}"#,
                "keys[0].crv: expected one of P-256, P-384 and P-521"
            ),
            (#"{"keys":[{"kty":"EC","use":"jwt-svid","kid":"a","crv":"secp256k1"}]}"#, "found \"secp256k1\""),
            (
                #"{"keys":[{"kty":"EC","use":"jwt-svid","kid":"a","crv":"P-256","x":"AA"}]}"#,
                "keys[0].y: expected base64url, found none"
            ),
            (
                #"{"keys":[{"kty":"EC","use":"jwt-svid","kid":"a","crv":"P-256","x":"AA","y":"AA"}]}"#,
                "keys[0]: expected coordinates of 32 bytes"
            ),
            (
                #"{"keys":[{"kty":"RSA","use":"jwt-svid","kid":"a","n":"+/","e":"AQAB"}]}"#,
                "keys[0].n: expected base64url"
            ),
            (
                #"{"keys":[{"kty":"RSA","use":"jwt-svid","kid":"a","n":"AQ","e":"AQAB"}]}"#,
                "keys[0]: expected an odd RSA modulus of 2048"
            ),
            (#"{"keys":[{"kty":"RSA","use":"jwt-svid","kid":"a","alg":5}]}"#, "keys[0].alg: expected a string"),
        ])
    func malformed(text: String, message: String) {
        let error = identityError { try Self.read(text) }
        #expect(error?.code == .malformedBundleDocument)
        #expect(error?.message.hasPrefix("the bundle document of example.org: ") == true)
        #expect(error?.message.contains(message) == true, "\(error?.description ?? "no error")")
    }

    @Test("a root that cannot serve is named by its place, and so is one of another domain")
    func roots() throws {
        let root = try Self.root()
        let other = Base64.encode(try CertificateFactory.root(of: "other.example").der)
        for (bad, message) in [
            ("AAAA", "cannot be read"), (other, "expected a signer's URI to be spiffe://example.org"),
        ] {
            let error = identityError {
                try Self.read(
                    """
                    {"keys":[{"kty":"EC","use":"sig"},{"kty":"EC","use":"x509-svid","x5c":["\(root)"]},
                    {"kty":"EC","use":"x509-svid","x5c":["\(bad)"]}]}
                    """)
            }
            #expect(error?.code == .invalidTrustBundle)
            #expect(error?.message.hasPrefix("keys[2].x5c[0] of example.org") == true)
            #expect(error?.message.contains(message) == true)
        }
    }

    @Test("a document with too many bytes, keys or identifiers twice is refused")
    func limits() throws {
        let tooLong = identityError {
            try TrustDomainBundle(document: Array(repeating: 0x20, count: 1_048_577), of: exampleDomain())
        }
        #expect(tooLong?.message.contains("at most 1048576 bytes") == true)
        let root = #"{"kty":"EC","use":"x509-svid","x5c":["\#(try Self.root())"]}"#
        let many = identityError {
            try Self.read(#"{"keys":[\#(Array(repeating: root, count: 257).joined(separator: ","))]}"#)
        }
        #expect(many?.message.contains("at most 256 roots") == true)
        let key = String(
            decoding: JSON.object(
                JWTKey.jsonMembers(of: JWTKeyTests.elliptic())
                    + [JSON.Member("use", .string("jwt-svid")), JSON.Member("kid", .string("a"))]
            ).bytes, as: UTF8.self)
        #expect(
            identityError { try Self.read(#"{"keys":[\#(key),\#(key)]}"#) }?.message.contains("two with \"a\"") == true)
    }

    @Test("changed documents are read or refused, and never trap")
    func mutations() throws {
        let seed: UInt64 = 0xB0D1
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let good = try TrustDomainBundle(
            exampleDomain(), roots: [CertificateFactory.root().der], jwtKeys: [JWTKey(JWTKeyTests.rsa())], sequence: 1
        ).document
        for _ in 0..<2_000 {
            var bytes = good
            for _ in 0...Int.random(in: 0..<3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? TrustDomainBundle(document: bytes, of: exampleDomain())
        }
    }
}
