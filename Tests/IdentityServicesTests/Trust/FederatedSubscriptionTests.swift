import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@testable import IdentityServices

/// A federated domain that follows what this one trusts, and the change of roots that waits for it.
@Suite(.timeLimit(.minutes(5))) struct FederatedSubscriptionTests {
    private static let held = "a new root waits for a federated domain that has not said that it has the bundle"
    private static let cutOff = "the new root issues, as the old one ends, and a federated domain does not have it"

    /// A workload of another domain that knows the authority's.
    private struct Partner: Sendable {
        let identity: RotatableIdentity
        let mesh: Mesh
        private let issuing: Issuing

        init(_ issuing: Issuing) throws {
            let authority = try TestAuthority("partner.example", runtime: issuing.runtime)
            let own = try TrustDomainBundle(authority.trustDomain, roots: [authority.authority.rootCertificate])
            identity = RotatableIdentity(
                svid: try authority.svid("/gateway"),
                bundle: try TrustBundle([own, issuing.authority.bundle], generation: 1))
            mesh = try Mesh(identity: identity, policy: .denyAll, runtime: issuing.runtime, logger: issuing.log.logger)
            self.issuing = issuing
            issuing.identity.set(
                bundle: try issuing.identity.current.bundle.replacing(
                    own, generation: issuing.identity.current.bundle.generation + 1))
        }

        /// What it has of the authority's domain.
        func bundle(_ issuing: Issuing) -> TrustDomainBundle? { identity.current.bundle[issuing.domain] }

        /// Follows while `body` runs.
        func following(_ body: () async throws -> Void) async throws {
            let subscription = try TrustSubscription(
                to: issuing.domain, of: identity, on: mesh, authority: issuing.destination, logger: issuing.log.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await subscription.run() }
                try await body()
                group.cancelAll()
            }
        }
    }

    private static func run(
        _ body: @escaping @Sendable @concurrent (Issuing, Partner) async throws -> Void
    ) async throws {
        var federation = FederationWait()
        federation.followers = [try TrustDomain(parsing: "partner.example")]
        try await Issuing.run(limit: .seconds(60_000), federation: federation) { issuing in
            let partner = try Partner(issuing)
            try await body(issuing, partner)
            await partner.mesh.stop()
        }
    }

    private static func isDistributing(_ issuing: Issuing) -> Bool {
        if case .distributing = issuing.authority.rotation.phase { true } else { false }
    }

    @Test("a new root does not issue before a federated domain that follows has it, and that one is never cut off")
    func waits() async throws {
        try await Self.run { issuing, partner in
            // It has come once, and is away when the root is added.
            try await partner.following { try await issuing.runtime.sleep(for: .seconds(5)) }
            #expect(issuing.authority.domainsWithoutBundle.isEmpty)
            try issuing.authority.addRoot()
            try await issuing.runtime.sleep(for: .seconds(Issuing.leafLifetime.components.seconds * 3))
            #expect(Self.isDistributing(issuing))
            #expect(issuing.authority.domainsWithoutBundle == [partner.identity.current.svid.spiffeID.trustDomain])
            // What an operator is to know of is told once.
            #expect(issuing.log.all(Self.held).count == 1)
            try await partner.following {
                try await issuing.runtime.sleep(for: .seconds(30))
                #expect(!Self.isDistributing(issuing))
                #expect(partner.bundle(issuing)?.roots.count == 2)
                // The authority's own leaf leads to the new root by now, and the partner goes on to follow it.
                try await issuing.runtime.sleep(for: .seconds(Issuing.leafLifetime.components.seconds * 3))
                #expect(issuing.authority.rotation.phase == .steady)
                #expect(partner.bundle(issuing)?.roots == [issuing.authority.rotation.issuer.rootCertificate])
            }
            #expect(issuing.log.all(Self.cutOff).isEmpty)
            #expect(issuing.log.records.filter { $0.level >= .error }.isEmpty)
        }
    }

    @Test("a federated domain that never comes is waited for until the old root is about to end, and is named then")
    func neverComes() async throws {
        try await Self.run { issuing, partner in
            try issuing.authority.addRoot()
            // The root lasts for 40,000 s, leaves for 400 s.
            try await issuing.runtime.sleep(for: .seconds(39_000))
            #expect(Self.isDistributing(issuing))
            #expect(issuing.log.all(Self.held).count == 1 && issuing.log.all(Self.cutOff).isEmpty)
            try await issuing.runtime.sleep(for: .seconds(250))
            #expect(!Self.isDistributing(issuing))
            #expect(issuing.log.all(Self.cutOff).map { $0.metadata["domain"] } == ["partner.example"])
            #expect(partner.bundle(issuing)?.roots.count == 1)
        }
    }

    @Test("a deny list is told to the domain's own workloads alone: whom another domain denies is that one's affair")
    func denyList() async throws {
        try await Self.run { issuing, partner in
            try await partner.following {
                try await issuing.runtime.sleep(for: .seconds(2))
                issuing.authority.set(
                    denyList: try DenyList(version: 7, entries: [.key(SHA256Fingerprint(of: [1]))]))
                let key = try JWTKey(.rsa(modulus: Array(repeating: 0xC5, count: 256), exponent: [1, 0, 1]))
                try issuing.authority.setTokenKeys([key])
                try await issuing.runtime.sleep(for: .seconds(2))
                #expect(partner.bundle(issuing)?.jwtKeys == [key])
                #expect(partner.identity.current.denyList == .empty)
            }
            // Nor is one taken that an authority sends all the same.
            let update = TrustUpdate(
                trustDomain: issuing.domain.name, denyList: try DenyList(version: 9, entries: []).encoded)
            try TrustSubscription.adopt(update, of: issuing.domain, in: partner.identity)
            #expect(partner.identity.current.denyList.version == 0)
            #expect(issuing.log.records.filter { $0.level >= .error }.isEmpty)
        }
    }

    @Test("a federation that the host has ended is not begun again by what follows")
    func ended() async throws {
        try await Self.run { issuing, partner in
            try await partner.following {
                try await issuing.runtime.sleep(for: .seconds(2))
                let bundle = partner.identity.current.bundle
                partner.identity.set(
                    bundle: try bundle.removing(issuing.domain, generation: bundle.generation + 1))
                try issuing.authority.addRoot()
                try await issuing.runtime.sleep(for: .seconds(60))
                #expect(partner.bundle(issuing) == nil)
            }
        }
    }
}
