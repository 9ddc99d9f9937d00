import Testing

@testable import Identity

@Suite struct IssuanceRecordTests {
    static let now = CertificateFactory.now

    /// A record of a leaf that was issued.
    static func record(_ path: String = "/worker", authorizedBy: String = "join token 5f", seed: UInt64 = 41) throws
        -> IssuanceRecord
    {
        var generator = SeededGenerator(seed: seed)
        let authority = try CertificateAuthority(trustDomain: exampleDomain(), now: now, using: &generator)
        let authorization = try IssuanceAuthorization(
            spiffeID: SPIFFEID(exampleDomain(), path: path), dnsNames: ["worker.example.org", "localhost"],
            ipAddresses: ["127.0.0.1", "::1"])
        let request = try VerifiedCertificateRequest(der: CertificateRequest().der)
        let issued = try authority.issue(request, for: authorization, now: now, using: &generator)
        return try IssuanceRecord(issued, for: authorization, authorizedBy: authorizedBy, at: now)
    }

    @Test("a record says what was certified, when, and who authorised it")
    func contents() throws {
        let record = try Self.record()
        #expect(record.spiffeID.description == "spiffe://example.org/worker")
        #expect(record.dnsNames == ["worker.example.org", "localhost"])
        #expect(record.ipAddresses == [IPAddress("127.0.0.1"), IPAddress("::1")])
        #expect(record.serialNumber.count == 16)
        #expect(record.notBefore == Self.now - .seconds(20))
        #expect(record.notAfter == Self.now + .seconds(86_400))
        #expect(record.issuedAt == Self.now)
        #expect(record.authorizedBy == "join token 5f")
    }

    @Test("a record has one encoding, which is read again")
    func roundTrip() throws {
        for authorizer in ["a", "line\nfeed \"quoted\" \u{1F600}", String(repeating: "\u{1}", count: 1_024)] {
            let record = try Self.record(authorizedBy: authorizer)
            #expect(record.encoded.count <= IssuanceRecord.maximumBytes)
            #expect(try IssuanceRecord(encoded: record.encoded) == record)
        }
        let text = String(decoding: try Self.record().encoded, as: UTF8.self)
        #expect(text.hasPrefix(#"{"serial_number":"#))
        #expect(
            text.contains(
                #""dns_names":["worker.example.org","localhost"],"ip_addresses":["7f000001","00000000000000000000000000000001"],"#
            ))
    }

    @Test("a leaf that its issuer's end cut short is renewed for as long as it was to be valid")
    func lifetime() throws {
        var generator = SeededGenerator(seed: 42)
        var configuration = CertificateAuthorityConfiguration()
        configuration.rootLifetime = .seconds(2_000)
        configuration.leafLifetime = .seconds(1_600)
        let old = try CertificateAuthority(
            trustDomain: exampleDomain(), configuration: configuration, now: Self.now, using: &generator)
        configuration.rootLifetime = .seconds(90_000)
        let new = try CertificateAuthority(
            trustDomain: exampleDomain(), configuration: configuration, now: Self.now, using: &generator)
        let late = Self.now + .seconds(1_700)
        for (lifetime, expected) in [(nil, 1_600), (.seconds(900), 900)] as [(Duration?, Int64)] {
            let authorization = try IssuanceAuthorization(
                spiffeID: SPIFFEID(exampleDomain(), path: "/worker"), lifetime: lifetime)
            let request = try VerifiedCertificateRequest(der: CertificateRequest().der)
            let issued = try old.issue(request, for: authorization, now: late, using: &generator)
            #expect(issued.notAfter.since(late) == .seconds(300))
            let record = try IssuanceRecord(
                encoded: IssuanceRecord(issued, for: authorization, authorizedBy: "a", at: late).encoded)
            #expect(record.authorization(by: new) == authorization)
            let renewed = try new.issue(
                request, for: record.authorization(by: new), now: late, using: &generator)
            #expect(renewed.notAfter.since(late) == .seconds(expected))
        }
    }

    @Test("a record of before the lifetime was noted is read as it was, and goes by what its leaf had")
    func olderRecord() throws {
        var generator = SeededGenerator(seed: 43)
        let text = String(decoding: try Self.record().encoded, as: UTF8.self)
        #expect(text.contains(#","lifetime":0,"authorized_by""#))
        let issuer = try CertificateAuthority(trustDomain: exampleDomain(), now: Self.now, using: &generator)
        func read(notAfter: UnixTime) throws -> IssuanceRecord {
            let older = text.replacing(#""lifetime":0,"#, with: "")
                .replacing(
                    #""not_after":\#((Self.now + .seconds(86_400)).seconds)"#,
                    with: #""not_after":\#(notAfter.seconds)"#)
            let record = try IssuanceRecord(encoded: Array(older.utf8))
            #expect(record.lifetime == nil && record.encoded == Array(older.utf8) && record.notAfter == notAfter)
            return record
        }
        let whole = try read(notAfter: Self.now + .seconds(86_400)).authorization(by: issuer)
        #expect(whole.lifetime == nil && whole.dnsNames == ["worker.example.org", "localhost"])
        #expect(try read(notAfter: Self.now + .seconds(600)).authorization(by: issuer).lifetime == .seconds(600))
        #expect(try read(notAfter: issuer.notAfter).authorization(by: issuer).lifetime == nil)
    }

    @Test("every other text of the same record, and every changed one, is refused or another record")
    func strict() throws {
        let record = try Self.record()
        let good = String(decoding: record.encoded, as: UTF8.self)
        let others = [
            "", "{}", "[]", good + " ", " " + good, good.replacing("{\"serial", with: "{ \"serial"),
            good.replacing("worker.example.org", with: "Worker.example.org"),
            good.replacing("7f000001", with: "7f0000"),
            good.replacing("spiffe://example", with: "SPIFFE://example"),
            good.replacing(":1800000000,", with: ":1.8e9,"),
            good.replacing("join", with: "\\u006aoin"), good.dropLast() + #","more":1}"#,
            good.replacing("join token 5f", with: ""), good.replacing(#""lifetime":0"#, with: #""lifetime":-1"#),
            good.replacing(#""lifetime":0"#, with: #""lifetime":"0""#),
        ]
        for text in others {
            #expect(
                identityError { try IssuanceRecord(encoded: Array(text.utf8)) }?.code == .malformedRecord, "\(text)")
        }
    }

    @Test("who authorised it is named, in at most 1,024 bytes", arguments: ["", String(repeating: "a", count: 1_025)])
    func authorizer(text: String) {
        #expect(identityError { try Self.record(authorizedBy: text) }?.code == .malformedRecord)
    }
}
