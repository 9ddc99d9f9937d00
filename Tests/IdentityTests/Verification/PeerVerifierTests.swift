import Crypto
import SwiftASN1
import Testing
import X509

@testable import Identity

@Suite struct PeerVerifierTests {
    typealias Factory = CertificateFactory

    static func bundle(_ root: Factory.Signer) throws -> TrustBundle {
        try TrustBundle([exampleDomain(): [root.der]], generation: 1)
    }

    @Test("a good chain gives the leaf's SPIFFE ID and the end of its validity")
    func accepts() async throws {
        let root = try Factory.root()
        let leaf = try Factory.make(Factory.Leaf(), signer: root)
        let verifier = try PeerVerifier()
        let peer = try await verifier.verify([leaf.der], against: Self.bundle(root), now: Factory.now)
        #expect(peer.spiffeID.description == "spiffe://example.org/worker")
        #expect(peer.notAfter == Factory.now + .seconds(3_600))
        #expect(peer.notBefore == Factory.now - .seconds(60))
        #expect(try peer.leafFingerprint == SHA256Fingerprint(of: leaf.der))
        let withRoot = try await verifier.verify([leaf.der, root.der], against: Self.bundle(root), now: Factory.now)
        #expect(withRoot == peer)
    }

    @Test("a chain through an intermediate is accepted, and ends when its first certificate does")
    func intermediate() async throws {
        let root = try Factory.root()
        var contents = Factory.signerContents()
        contents.notAfter = Factory.now + .seconds(600)
        let intermediate = try Factory.make(contents, subject: "intermediate", signer: root)
        let leaf = try Factory.make(Factory.Leaf(), signer: intermediate)
        let verifier = try PeerVerifier()
        let peer = try await verifier.verify(
            [leaf.der, intermediate.der], against: Self.bundle(root), now: Factory.now)
        #expect(peer.notAfter == Factory.now + .seconds(600))
        let alone = await identityError {
            try await verifier.verify([leaf.der], against: Self.bundle(root), now: Factory.now)
        }
        #expect(alone?.code == .untrustedIssuer)
    }

    @Test("a certificate that OpenSSL made is read, and one that is signed with SHA-1 refused")
    func openSSL() async throws {
        let bundle = try TrustBundle([exampleDomain(): [OpenSSLFixtures.rsaRoot]], generation: 1)
        let verifier = try PeerVerifier()
        let peer = try await verifier.verify(
            [OpenSSLFixtures.leafSignedWithSHA256], against: bundle, now: OpenSSLFixtures.now)
        #expect(peer.spiffeID.description == "spiffe://example.org/openssl")
        let error = await identityError {
            try await verifier.verify([OpenSSLFixtures.leafSignedWithSHA1], against: bundle, now: OpenSSLFixtures.now)
        }
        #expect(error?.code == .keyNotAllowed)
        #expect(error?.message.contains("SHA-1") == true)
    }

    /// One broken rule of X.509-SVID: how the leaf breaks it and what the message says.
    struct BrokenRule: Sendable, CustomTestStringConvertible {
        let rule: String
        let message: String
        let breakRule: @Sendable (inout Factory.Leaf) -> Void

        var testDescription: String { rule }

        init(_ rule: String, _ message: String, _ breakRule: @escaping @Sendable (inout Factory.Leaf) -> Void) {
            self.rule = rule
            self.message = message
            self.breakRule = breakRule
        }
    }

    @Test(
        "a leaf that breaks one rule of X.509-SVID is refused for it",
        arguments: [
            BrokenRule("no alternative name", "exactly one URI among a leaf's alternative names, found 0") {
                $0.names = []
            },
            BrokenRule("no URI", "found 0") { $0.names = [.dnsName("worker.example.org")] },
            BrokenRule("two URIs", "found 2") {
                $0.names.append(.uniformResourceIdentifier("spiffe://example.org/admin"))
            },
            BrokenRule("a second URI that is no SPIFFE ID", "found 2") {
                $0.names.append(.uniformResourceIdentifier("https://example.org/"))
            },
            BrokenRule("another scheme", "is not a SPIFFE ID") {
                $0.names = [.uniformResourceIdentifier("https://example.org/worker")]
            },
            BrokenRule("a path with an empty segment", "is not a SPIFFE ID") {
                $0.names = [.uniformResourceIdentifier("spiffe://example.org//worker")]
            },
            BrokenRule("no path", "to have a path") { $0.names = [.uniformResourceIdentifier("spiffe://example.org")] },
            BrokenRule("cA true", "cA false") { $0.basicConstraints = .isCertificateAuthority(maxPathLength: nil) },
            BrokenRule("no key usage", "to state its key usage") { $0.keyUsage = nil },
            BrokenRule("key usage not critical", "to be critical") { $0.keyUsageIsCritical = false },
            BrokenRule("no digitalSignature", "include digitalSignature") {
                $0.keyUsage = KeyUsage(keyAgreement: true)
            },
            BrokenRule("keyCertSign", "without keyCertSign") {
                $0.keyUsage = KeyUsage(digitalSignature: true, keyCertSign: true)
            },
            BrokenRule("cRLSign", "without cRLSign") { $0.keyUsage = KeyUsage(digitalSignature: true, cRLSign: true) },
            BrokenRule("server only", "server and client authentication") { $0.purposes = [.serverAuth] },
            BrokenRule("client only", "server and client authentication") { $0.purposes = [.clientAuth] },
            BrokenRule("any purpose but neither of the two", "server and client authentication") {
                $0.purposes = [.any]
            },
            BrokenRule("an unknown critical extension", "critical extension") {
                $0.otherExtensions = [
                    Certificate.Extension(oid: [1, 3, 6, 1, 4, 1, 99_999, 1], critical: true, value: [5, 0])
                ]
            },
            BrokenRule("an alternative name that cannot be read", "cannot be read") {
                $0.names = []
                $0.otherExtensions = [
                    Certificate.Extension(oid: .X509ExtensionID.subjectAlternativeName, critical: false, value: [1, 2])
                ]
            },
            BrokenRule("a key usage that cannot be read", "cannot be read") {
                $0.keyUsage = nil
                $0.otherExtensions = [
                    Certificate.Extension(oid: .X509ExtensionID.keyUsage, critical: true, value: [1, 2])
                ]
            },
        ])
    func brokenRule(_ broken: BrokenRule) async throws {
        let root = try Factory.root()
        var contents = Factory.Leaf()
        broken.breakRule(&contents)
        let leaf = try Factory.make(contents, signer: root)
        let verifier = try PeerVerifier()
        let error = await identityError {
            try await verifier.verify([leaf.der], against: Self.bundle(root), now: Factory.now)
        }
        #expect(error?.code == .notAnSVID)
        #expect(error?.message.contains(broken.message) == true, "\(error?.description ?? "no error")")
        #expect(verifier.cachedPeers == 0)
    }

    @Test("a leaf without extended key usage or basic constraints is a good SVID")
    func optionalExtensions() async throws {
        let root = try Factory.root()
        var contents = Factory.Leaf()
        contents.purposes = nil
        contents.basicConstraints = nil
        let leaf = try Factory.make(contents, signer: root)
        _ = try await PeerVerifier().verify([leaf.der], against: Self.bundle(root), now: Factory.now)
    }

    @Test(
        "a leaf is accepted from notBefore to notAfter, give or take the clock skew",
        arguments: [
            (-81, IdentityError.Code.notYetValid), (-80, nil), (-60, nil), (0, nil), (3_600, nil), (3_620, nil),
            (3_621, IdentityError.Code.expired),
        ] as [(Int64, IdentityError.Code?)])
    func validity(offset: Int64, expected: IdentityError.Code?) async throws {
        let root = try Factory.root()
        let leaf = try Factory.make(Factory.Leaf(), signer: root)
        let error = await identityError {
            try await PeerVerifier().verify(
                [leaf.der], against: Self.bundle(root), now: Factory.now + .seconds(offset))
        }
        #expect(error?.code == expected)
        #expect(error?.peer?.description == (expected == nil ? nil : "spiffe://example.org/worker"))
    }

    @Test("an expired root or intermediate ends the chain")
    func expiredSigners() async throws {
        var contents = Factory.signerContents()
        contents.notAfter = Factory.now - .seconds(3_000)
        let expiredRoot = try Factory.make(contents, subject: "root")
        let leaf = try Factory.make(Factory.Leaf(), signer: expiredRoot)
        let verifier = try PeerVerifier()
        let error = await identityError {
            try await verifier.verify([leaf.der], against: Self.bundle(expiredRoot), now: Factory.now)
        }
        #expect(error?.code == .expired)
        #expect(error?.message.contains("signer 1 of 1") == true)

        let root = try Factory.root()
        let intermediate = try Factory.make(contents, subject: "intermediate", signer: root)
        let below = try Factory.make(Factory.Leaf(), signer: intermediate)
        let second = await identityError {
            try await verifier.verify([below.der, intermediate.der], against: Self.bundle(root), now: Factory.now)
        }
        #expect(second?.code == .expired)
        #expect(second?.message.contains("signer 1 of 2") == true)
    }

    @Test("a foreign authority of the same name and domain is not trusted")
    func foreignAuthority() async throws {
        let (root, foreign) = (try Factory.root(), try Factory.root())
        let leaf = try Factory.make(Factory.Leaf(), signer: foreign)
        let error = await identityError {
            try await PeerVerifier().verify([leaf.der, foreign.der], against: Self.bundle(root), now: Factory.now)
        }
        #expect(error?.code == .untrustedIssuer)
        #expect(error?.peer?.path == "/worker")
    }

    @Test("a self-signed leaf is not trusted")
    func selfSigned() async throws {
        let root = try Factory.root()
        let leaf = try Factory.make(Factory.Leaf())
        let error = await identityError {
            try await PeerVerifier().verify([leaf.der], against: Self.bundle(root), now: Factory.now)
        }
        #expect(error?.code == .untrustedIssuer)
    }

    @Test("a chain is checked against the roots of its own trust domain only")
    func otherDomain() async throws {
        let (root, other) = (try Factory.root(), try Factory.root(of: "other.example", subject: "other"))
        // The other domain's authority certifies a name of ours.
        let leaf = try Factory.make(Factory.Leaf(), signer: other)
        let both = try TrustBundle(
            [exampleDomain(): [root.der], TrustDomain(parsing: "other.example"): [other.der]], generation: 1)
        let verifier = try PeerVerifier()
        let error = await identityError { try await verifier.verify([leaf.der], against: both, now: Factory.now) }
        #expect(error?.code == .untrustedIssuer)
        // And a name of a domain that nobody vouches for.
        let onlyOther = try TrustBundle([TrustDomain(parsing: "other.example"): [other.der]], generation: 1)
        let unknown = await identityError {
            try await verifier.verify([leaf.der], against: onlyOther, now: Factory.now)
        }
        #expect(unknown?.code == .unknownTrustDomain)
        #expect(unknown?.message.contains("other.example") == true)
    }

    @Test("an intermediate that is no CA, may not sign, or names a workload or another domain is refused")
    func badIntermediates() async throws {
        let root = try Factory.root()
        let changes: [(String, (inout Factory.Leaf) -> Void)] = [
            ("cA true", { $0.basicConstraints = .notCertificateAuthority }),
            ("cA true", { $0.basicConstraints = nil }),
            ("keyCertSign", { $0.keyUsage = KeyUsage(digitalSignature: true) }),
            ("keyCertSign", { $0.keyUsage = nil }),
            ("to be spiffe://example.org", { $0.names = [.uniformResourceIdentifier("spiffe://example.org/ca")] }),
            ("to be spiffe://example.org", { $0.names = [.uniformResourceIdentifier("spiffe://other.example")] }),
        ]
        for (message, change) in changes {
            var contents = Factory.signerContents()
            change(&contents)
            let intermediate = try Factory.make(contents, subject: "intermediate", signer: root)
            let leaf = try Factory.make(Factory.Leaf(), signer: intermediate)
            let error = await identityError {
                try await PeerVerifier().verify(
                    [leaf.der, intermediate.der], against: Self.bundle(root), now: Factory.now)
            }
            #expect(error?.code == .notAnSVID)
            #expect(error?.message.contains(message) == true, "\(error?.description ?? "no error")")
        }
    }

    @Test("a path longer than the root allows breaks RFC 5280")
    func pathLength() async throws {
        var contents = Factory.signerContents()
        contents.basicConstraints = .isCertificateAuthority(maxPathLength: 0)
        let root = try Factory.make(contents, subject: "root")
        let intermediate = try Factory.make(Factory.signerContents(), subject: "intermediate", signer: root)
        let leaf = try Factory.make(Factory.Leaf(), signer: intermediate)
        let error = await identityError {
            try await PeerVerifier().verify(
                [leaf.der, intermediate.der], against: Self.bundle(root), now: Factory.now)
        }
        #expect(error?.code == .untrustedIssuer)
        #expect(error?.message.contains("maximum path length") == true)
    }

    @Test("a root that is presented as a leaf is no workload")
    func rootAsLeaf() async throws {
        let root = try Factory.root()
        let error = await identityError {
            try await PeerVerifier().verify([root.der], against: Self.bundle(root), now: Factory.now)
        }
        #expect(error?.code == .notAnSVID)
    }

    @Test("an issuer that is presented as a leaf is no workload, with a workload's name or the domain's")
    func signerAsLeaf() async throws {
        let root = try Factory.root()
        for (name, message) in [
            ("spiffe://example.org/worker", "cA false"), ("spiffe://example.org", "to have a path"),
        ] {
            var contents = Factory.signerContents()
            contents.names = [.uniformResourceIdentifier(name)]
            contents.keyUsage = KeyUsage(digitalSignature: true, keyCertSign: true)
            let issuer = try Factory.make(contents, subject: "issuer", signer: root)
            let error = await identityError {
                try await PeerVerifier().verify([issuer.der], against: Self.bundle(root), now: Factory.now)
            }
            #expect(error?.code == .notAnSVID)
            #expect(error?.message.contains(message) == true, "\(error?.description ?? "no error")")
        }
    }

    @Test("no certificate, garbage and trailing bytes are malformed")
    func malformed() async throws {
        let root = try Factory.root()
        let leaf = try Factory.make(Factory.Leaf(), signer: root).der
        let verifier = try PeerVerifier()
        let chains: [[[UInt8]]] = [
            [], [[]], [[0x30]], [Array("not a certificate".utf8)], [leaf + [0]], [Array(leaf.dropLast())],
            [leaf, [1, 2, 3]],
            [Array(repeating: 0x30, count: 4_000)],
        ]
        for chain in chains {
            let error = await identityError {
                try await verifier.verify(chain, against: Self.bundle(root), now: Factory.now)
            }
            #expect(error?.code == .malformedCertificate)
        }
    }

    @Test("a chain with too many certificates or bytes is refused before it is parsed")
    func tooLarge() async throws {
        let root = try Factory.root()
        let verifier = try PeerVerifier()
        let chains: [[[UInt8]]] = [Array(repeating: [0x30], count: 6), [Array(repeating: 0x30, count: 16_385)]]
        for chain in chains {
            let error = await identityError {
                try await verifier.verify(chain, against: Self.bundle(root), now: Factory.now)
            }
            #expect(error?.code == .chainTooLarge)
            #expect(try verifier.cachedPeer(chain, against: Self.bundle(root), now: Factory.now) == nil)
        }
    }

    @Test("a leaf never verifies, and never traps, with any bit changed of what is signed")
    func corruptedLeaf() async throws {
        let seed: UInt64 = 0x5EED_1D
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let root = try Factory.root()
        let leaf = try Factory.make(Factory.Leaf(), signer: root).der
        let signed = try signedPart(of: leaf)
        let bundle = try Self.bundle(root)
        let verifier = try PeerVerifier()
        for _ in 0..<1_500 {
            var corrupted = leaf
            let index = Int.random(in: 0..<leaf.count, using: &generator)
            corrupted[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            if Bool.random(using: &generator) {
                corrupted[Int.random(in: 0..<leaf.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            guard corrupted != leaf else { continue }
            let error = await identityError {
                try await verifier.verify([corrupted], against: bundle, now: Factory.now)
            }
            // The unused bits of the signature's bit string may be counted in more than one way.
            if error == nil { #expect(try signedPart(of: corrupted) == signed, "byte \(index) of \(leaf.count)") }
        }
    }

    @Test("a verified chain is found without verifying again, within its validity and for its bundle only")
    func cache() async throws {
        let root = try Factory.root()
        let chain = [try Factory.make(Factory.Leaf(), signer: root).der]
        let bundle = try Self.bundle(root)
        let verifier = try PeerVerifier()
        #expect(verifier.cachedPeer(chain, against: bundle, now: Factory.now) == nil)
        let peer = try await verifier.verify(chain, against: bundle, now: Factory.now)
        #expect(verifier.cachedPeer(chain, against: bundle, now: Factory.now) == peer)
        #expect(verifier.cachedPeer(chain, against: bundle, now: peer.notAfter) == peer)
        #expect(verifier.cachedPeer(chain, against: bundle, now: peer.notAfter + .seconds(1)) == nil)
        #expect(verifier.cachedPeer(chain, against: bundle, now: peer.notBefore - .seconds(1)) == nil)
        #expect(try verifier.cachedPeer(chain + [root.der], against: bundle, now: Factory.now) == nil)
        let next = try TrustBundle([exampleDomain(): [root.der]], generation: 2)
        #expect(verifier.cachedPeer(chain, against: next, now: Factory.now) == nil)
        // A bundle with the same generation and other roots is another bundle.
        let other = try TrustBundle([exampleDomain(): [Factory.root().der]], generation: 1)
        #expect(verifier.cachedPeer(chain, against: other, now: Factory.now) == nil)
        let error = await identityError { try await verifier.verify(chain, against: other, now: Factory.now) }
        #expect(error?.code == .untrustedIssuer)
    }

    @Test("a verifier remembers no more chains than it may")
    func cacheCapacity() async throws {
        let root = try Factory.root()
        var configuration = PeerVerifierConfiguration()
        configuration.cacheCapacity = 2
        let verifier = try PeerVerifier(configuration: configuration)
        let chains = try (0..<3).map { _ in [try Factory.make(Factory.Leaf(), signer: root).der] }
        for chain in chains { _ = try await verifier.verify(chain, against: Self.bundle(root), now: Factory.now) }
        #expect(verifier.cachedPeers == 2)
        #expect(try verifier.cachedPeer(chains[0], against: Self.bundle(root), now: Factory.now) == nil)
        #expect(try verifier.cachedPeer(chains[2], against: Self.bundle(root), now: Factory.now) != nil)
    }
}
