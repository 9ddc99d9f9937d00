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
            good.replacing("join token 5f", with: ""),
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
