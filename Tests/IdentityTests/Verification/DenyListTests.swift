import Testing

@testable import Identity

@Suite struct DenyListTests {
    static let now = CertificateFactory.now

    static func fingerprint(_ byte: UInt8) -> SHA256Fingerprint { SHA256Fingerprint(of: [byte]) }

    static func peer(
        _ path: String = "/worker", issuedAt: UnixTime = now, serialNumbers: [[UInt8]] = [[7]]
    ) throws -> VerifiedPeer {
        VerifiedPeer(
            spiffeID: try SPIFFEID(exampleDomain(), path: path), notBefore: issuedAt, notAfter: now + .seconds(60),
            leafFingerprint: fingerprint(0), issuedAt: issuedAt,
            certificates: serialNumbers.map {
                CertificateMarks(serialNumber: $0, signedPart: fingerprint($0[0]), key: fingerprint($0[0] &+ 100))
            })
    }

    @Test("a peer is denied for any certificate of its chain, by number, by what is signed or by key")
    func certificates() throws {
        let peer = try Self.peer(serialNumbers: [[7], [8]])
        let other = try TrustDomain(parsing: "other.example")
        let entries: [DenyList.Entry] = try [
            .serialNumber([7], of: exampleDomain()), .serialNumber([0, 8], of: exampleDomain()),
            .certificate(Self.fingerprint(7)), .certificate(Self.fingerprint(8)), .key(Self.fingerprint(107)),
            .key(Self.fingerprint(108)),
        ]
        for entry in entries {
            let list = try DenyList(version: 3, entries: [entry])
            #expect(list.entry(denying: peer) != nil)
            let error = identityError { try list.check(peer) }
            #expect(error?.code == .denied)
            #expect(error?.peer == peer.spiffeID)
            #expect(error?.message.hasSuffix("is on version 3 of the deny list") == true)
        }
        let others: [DenyList.Entry] = try [
            .serialNumber([9], of: exampleDomain()), .serialNumber([7], of: other), .certificate(Self.fingerprint(107)),
            .key(Self.fingerprint(7)),
        ]
        let list = try DenyList(version: 3, entries: others)
        #expect(list.entry(denying: peer) == nil)
        try list.check(peer)
        try DenyList.empty.check(peer)
    }

    @Test(
        "an identity is denied what it was given before a time, and nothing later",
        arguments: [(-1, true), (0, false), (1, false)] as [(Int64, Bool)])
    func identities(offset: Int64, isDenied: Bool) throws {
        let id = try SPIFFEID(parsing: "spiffe://example.org/worker")
        let list = try DenyList(version: 1, entries: [.identity(id, issuedBefore: Self.now)])
        let issuedAt = Self.now + .seconds(offset)
        #expect(try (list.entry(denying: Self.peer(issuedAt: issuedAt)) != nil) == isDenied)
        #expect((list.entry(denying: id, issuedAt: issuedAt) != nil) == isDenied)
        #expect(list.entry(denying: id, issuedAt: nil) != nil)
        #expect(try list.entry(denying: Self.peer("/worker/1", issuedAt: issuedAt)) == nil)
        #expect(try list.entry(denying: SPIFFEID(parsing: "spiffe://other.example/worker"), issuedAt: nil) == nil)
    }

    @Test("each thing is there once, an identity with its latest time, whatever the order given")
    func normalized() throws {
        let id = try SPIFFEID(parsing: "spiffe://example.org/worker")
        let entries: [DenyList.Entry] = try [
            .key(Self.fingerprint(2)), .key(Self.fingerprint(1)), .identity(id, issuedBefore: Self.now),
            .identity(id, issuedBefore: Self.now + .seconds(1)), .identity(id, issuedBefore: Self.now - .seconds(1)),
            .serialNumber([5], of: exampleDomain()), .serialNumber([0, 5], of: exampleDomain()),
            .serialNumber([5], of: TrustDomain(parsing: "a")), .certificate(Self.fingerprint(1)),
        ]
        let list = try DenyList(version: 2, entries: entries)
        #expect(list.entries.count == 6)
        #expect(list.entries.last == .identity(id, issuedBefore: Self.now + .seconds(1)))
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<20 {
            let shuffled = try DenyList(version: 2, entries: entries.shuffled(using: &generator))
            #expect(shuffled == list)
            #expect(shuffled.encoded == list.encoded)
        }
        #expect(try DenyList(version: 3, entries: entries) != list)
        #expect(try DenyList(version: 2, entries: entries.dropLast()) != list)
    }

    @Test("a list has limits")
    func limits() throws {
        func entries(_ count: Int, of domain: TrustDomain) -> [DenyList.Entry] {
            (0..<count).map { index in
                .serialNumber([1, UInt8(index >> 16), UInt8(index >> 8 & 255), UInt8(index & 255)], of: domain)
            }
        }
        let domain = try exampleDomain()
        let many = identityError { try DenyList(version: 1, entries: entries(65_537, of: domain)) }
        #expect(many?.code == .invalidDenyList)
        #expect(many?.message.contains("at most 65536 entries") == true)
        let long = identityError {
            try DenyList(version: 1, entries: [.serialNumber(Array(repeating: 1, count: 21), of: domain)])
        }
        #expect(long?.message.contains("at most 20 bytes, found 21") == true)
        let heavy = try TrustDomain(parsing: String(repeating: "a", count: 255))
        let bytes = identityError { try DenyList(version: 1, entries: entries(50_000, of: heavy)) }
        #expect(bytes?.message.contains("at most 16777216 bytes when encoded") == true)
        let large = try DenyList(version: 1, entries: entries(1_000, of: heavy))
        #expect(large.encoded.count < 1_000 * (128 + 255))
        #expect(try DenyList(encoded: large.encoded) == large)
    }
}
