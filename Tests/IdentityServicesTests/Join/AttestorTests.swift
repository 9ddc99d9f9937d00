import Identity
import IdentityServices
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct AttestorTests {
    /// Takes the machine's name, if it is one of its own.
    private struct MachineAttestor: Attestor {
        let kind: String

        func attest(_ evidence: AttestationEvidence) async throws(IdentityError) -> Attestation {
            let name = String(decoding: evidence.payload, as: UTF8.self)
            guard name.hasPrefix("machine-") else {
                throw IdentityError(.tokenUnknown, "expected one of our machines")
            }
            let id = try SPIFFEID(TrustDomain(parsing: "test.example"), path: "/\(name)")
            return try Attestation(
                IssuanceAuthorization(spiffeID: id, dnsNames: ["\(name).example"]), by: "inventory")
        }
    }

    @Test("another attestor's evidence becomes an identity with the names that it says, and bad evidence none")
    func joins() async throws {
        try await Issuing.run(attestors: [MachineAttestor(kind: "inventory")]) { issuing in
            let root = issuing.authority.rotation.issuer.rootFingerprint
            func join(_ evidence: String, _ kind: String) async throws -> RotatableIdentity {
                try await JoinClient.join(
                    showing: Array(evidence.utf8), to: kind, at: .tcp(host: "authority", port: 2), root: root,
                    runtime: issuing.runtime)
            }
            let identity = try await join("machine-7", "inventory")
            #expect(identity.current.svid.spiffeID.description == "spiffe://test.example/machine-7")
            let refused = await meshError { _ = try await join("stranger", "inventory") }
            #expect(refused?.status == .permissionDenied)
            #expect(refused?.message.contains("expected one of our machines") == true)
            // What is good for one attestor is nothing to another.
            for kind in [JoinTokenAttestor.tokenKind, "cloud"] {
                let error = await meshError { _ = try await join("machine-7", kind) }
                #expect(error?.status == .permissionDenied)
            }
        }
    }

    @Test("two attestors of one kind, or one of none, are refused")
    func kinds() throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let now = UnixTime(seconds: SystemRuntime.shared.timeSince1970.components.seconds)
        let managed = try ManagedAuthority(AuthorityRotation(issuer: authority.authority, now: now))
        let identity = try authority.identity("/coordinator")
        for kinds in [["a", "a"], [JoinTokenAttestor.tokenKind], [""]] {
            let attestors = kinds.map { MachineAttestor(kind: $0) }
            let error = #expect(throws: IdentityError.self) {
                _ = try IssuanceServer(authority: managed, identity: identity, attestors: attestors)
            }
            #expect(error?.code == .invalidConfiguration)
        }
    }

    @Test("an attestation that does not fit the log is none")
    func authorizer() throws {
        let id = try SPIFFEID(TrustDomain(parsing: "test.example"), path: "/a")
        let authorization = try IssuanceAuthorization(spiffeID: id)
        for words in ["", String(repeating: "x", count: 1_025)] {
            let error = #expect(throws: IdentityError.self) { try Attestation(authorization, by: words) }
            #expect(error?.code == .invalidAuthorization)
        }
        #expect(try Attestation(authorization, by: String(repeating: "x", count: 1_024)).authorization == authorization)
    }
}
