import Testing
import X509

@testable import Identity

@Suite struct PeerVerifierFederationTests {
    typealias Factory = CertificateFactory

    static let partner = "partner.example"

    static func leaf(of domain: String, signer: Factory.Signer) throws -> [UInt8] {
        var contents = Factory.Leaf()
        contents.names = [.uniformResourceIdentifier("spiffe://\(domain)/worker")]
        return try Factory.make(contents, signer: signer).der
    }

    @Test("each root of a domain vouches for the domain's own workloads, and for no other domain's")
    func roots() async throws {
        let own = try (0..<2).map { try Factory.root(subject: "own \($0)") }
        let foreign = try (0..<2).map { try Factory.root(of: Self.partner, subject: "foreign \($0)") }
        let bundle = try TrustBundle(
            [
                TrustDomainBundle(exampleDomain(), roots: own.map { try $0.der }),
                TrustDomainBundle(TrustDomain(parsing: Self.partner), roots: foreign.map { try $0.der }),
            ], generation: 1)
        let verifier = try PeerVerifier()
        for (domain, signers, strangers) in [("example.org", own, foreign), (Self.partner, foreign, own)] {
            for signer in signers {
                let peer = try await verifier.verify(
                    [Self.leaf(of: domain, signer: signer)], against: bundle, now: Factory.now)
                #expect(peer.spiffeID.description == "spiffe://\(domain)/worker")
            }
            for stranger in strangers {
                for extra in [[], [try stranger.der]] {
                    let error = await identityError {
                        try await verifier.verify(
                            [Self.leaf(of: domain, signer: stranger)] + extra, against: bundle, now: Factory.now)
                    }
                    #expect(error?.code == .untrustedIssuer)
                }
            }
        }
    }

    @Test("a root that two domains share vouches for both, each by its own bundle, until one gives it up")
    func sharedRoot() async throws {
        var contents = Factory.signerContents()
        contents.names = []
        let root = try Factory.make(contents, subject: "shared")
        let (home, partner) = (try exampleDomain(), try TrustDomain(parsing: Self.partner))
        let both = try TrustBundle([home: [root.der], partner: [root.der]], generation: 1)
        let verifier = try PeerVerifier()
        let foreign = [try Self.leaf(of: Self.partner, signer: root)]
        _ = try await verifier.verify(foreign, against: both, now: Factory.now)
        let one = try both.replacing(TrustDomainBundle(partner), generation: 2)
        #expect(verifier.cachedPeer(foreign, against: one, now: Factory.now) == nil)
        let error = await identityError { try await verifier.verify(foreign, against: one, now: Factory.now) }
        #expect(error?.code == .unknownTrustDomain)
        _ = try await verifier.verify([Self.leaf(of: "example.org", signer: root)], against: one, now: Factory.now)
    }

    @Test("a domain whose document has no keys has revoked all of its certificates")
    func revoked() async throws {
        let root = try Factory.root(of: Self.partner)
        let partner = try TrustDomain(parsing: Self.partner)
        let revoked = try TrustDomainBundle(document: Array(#"{"keys":[],"spiffe_sequence":2}"#.utf8), of: partner)
        let bundle = try TrustBundle([TrustDomainBundle(partner, roots: [root.der], sequence: 1)], generation: 1)
        let chain = [try Self.leaf(of: Self.partner, signer: root)]
        let verifier = try PeerVerifier()
        _ = try await verifier.verify(chain, against: bundle, now: Factory.now)
        let next = try bundle.replacing(revoked, generation: 2)
        let error = await identityError { try await verifier.verify(chain, against: next, now: Factory.now) }
        #expect(error?.code == .unknownTrustDomain)
    }
}
