import Crypto
import SwiftASN1
import Testing
import X509

@testable import Identity

@Suite struct PeerVerifierDenyListTests {
    typealias Factory = CertificateFactory

    /// A leaf below an intermediate below a root.
    struct Chain {
        let root: Factory.Signer
        let intermediate: Factory.Signer
        let leaf: Factory.Signer
        let presented: [[UInt8]]
        let bundle: TrustBundle

        init() throws {
            root = try Factory.root()
            intermediate = try Factory.make(Factory.signerContents(), subject: "intermediate", signer: root)
            leaf = try Factory.make(Factory.Leaf(), signer: intermediate)
            presented = [try leaf.der, try intermediate.der]
            bundle = try TrustBundle([exampleDomain(): [root.der]], generation: 1)
        }
    }

    @Test("a verified peer carries the marks of its whole chain, and when its leaf was issued")
    func marks() async throws {
        let chain = try Chain()
        let peer = try await PeerVerifier().verify(chain.presented, against: chain.bundle, now: Factory.now)
        #expect(
            try peer.certificates
                == [chain.leaf, chain.intermediate, chain.root].map { try CertificateMarks(der: $0.der) })
        #expect(peer.issuedAt == Factory.now - .seconds(60))
    }

    @Test("a denied leaf, signer, root, key or identity is refused, and so is a remembered one")
    func denied() async throws {
        let chain = try Chain()
        let marks = try [chain.leaf, chain.intermediate, chain.root].map { try CertificateMarks(der: $0.der) }
        var entries: [DenyList.Entry] = marks.flatMap { [.certificate($0.signedPart), .key($0.key)] }
        entries += try [
            .serialNumber([1, 2, 3], of: exampleDomain()),
            .identity(SPIFFEID(parsing: "spiffe://example.org/worker"), issuedBefore: Factory.now),
        ]
        let remembering = try PeerVerifier()
        let good = try await remembering.verify(chain.presented, against: chain.bundle, now: Factory.now)
        for entry in entries {
            let list = try DenyList(version: 1, entries: [entry])
            for verifier in [remembering, try PeerVerifier()] {
                let error = await identityError {
                    try await verifier.verify(chain.presented, against: chain.bundle, denying: list, now: Factory.now)
                }
                #expect(error?.code == .denied, "\(entry)")
                #expect(error?.peer == good.spiffeID)
                #expect(
                    verifier.cachedPeer(chain.presented, against: chain.bundle, denying: list, now: Factory.now) == nil)
            }
            #expect(identityError { try list.check(good) }?.code == .denied)
        }
        // Lists come and go; the chain stays good.
        #expect(remembering.cachedPeer(chain.presented, against: chain.bundle, now: Factory.now) == good)
        #expect(remembering.cachedPeers == 1)
    }

    @Test("an identity that is certified again after it was denied is welcome")
    func issuedAgain() async throws {
        let chain = try Chain()
        let list = try DenyList(
            version: 1,
            entries: [
                .identity(SPIFFEID(parsing: "spiffe://example.org/worker"), issuedBefore: Factory.now - .seconds(60))
            ])
        _ = try await PeerVerifier().verify(chain.presented, against: chain.bundle, denying: list, now: Factory.now)
    }

    @Test("a denied certificate does not come back with another form of its signature")
    func malleable() async throws {
        let chain = try Chain()
        let altered = try withOtherSignature(chain.presented[0])
        let presented = [altered, chain.presented[1]]
        let verifier = try PeerVerifier()
        let peer = try await verifier.verify(presented, against: chain.bundle, now: Factory.now)
        #expect(peer.leafFingerprint != SHA256Fingerprint(of: chain.presented[0]))
        let marks = try CertificateMarks(der: chain.presented[0])
        let list = try DenyList(version: 1, entries: [.certificate(marks.signedPart)])
        let error = await identityError {
            try await verifier.verify(presented, against: chain.bundle, denying: list, now: Factory.now)
        }
        #expect(error?.code == .denied)
    }

    /// The certificate with `n - s` in place of `s`: a signature that is valid too (SEC 1, 4.1.4), made without the key.
    private func withOtherSignature(_ der: [UInt8]) throws -> [UInt8] {
        let order = try #require(Hexadecimal.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"))
        let (parts, signature) = try DER.sequence(DER.parse(der), identifier: .sequence) { nodes in
            let parts = [nodes.next(), nodes.next()].compactMap { $0 }
            return (parts, try ASN1BitString(derEncoded: &nodes))
        }
        let raw = Array(try P256.Signing.ECDSASignature(derRepresentation: Array(signature.bytes)).rawRepresentation)
        var other = Array(raw.prefix(32))
        var difference: [UInt8] = []
        var borrow = 0
        for (a, b) in zip(order, raw.suffix(32)).reversed() {
            let digit = Int(a) - Int(b) - borrow
            borrow = digit < 0 ? 1 : 0
            difference.append(UInt8(truncatingIfNeeded: digit))
        }
        other += difference.reversed()
        let altered = Array(try P256.Signing.ECDSASignature(rawRepresentation: other).derRepresentation)
        var serializer = DER.Serializer()
        try serializer.appendConstructedNode(identifier: .sequence) { coder throws in
            for part in parts { coder.serialize(part) }
            try coder.serialize(ASN1BitString(bytes: altered[...]))
        }
        return serializer.serializedBytes
    }
}
