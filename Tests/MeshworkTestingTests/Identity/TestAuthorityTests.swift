import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

@Suite struct TestAuthorityTests {
    private let runtime = SystemRuntime.shared
    private var now: UnixTime { UnixTime(seconds: runtime.timeSince1970.components.seconds) }

    @Test("its identities are what peers verify")
    func identities() async throws {
        let authority = try TestAuthority(runtime: runtime)
        let identity = try authority.identity("/worker/7").current
        let peer = try await PeerVerifier().verify(identity.svid.chain, against: identity.bundle, now: now)
        #expect(peer.spiffeID.description == "spiffe://test.example/worker/7")
    }

    @Test("it makes certificates that have ended, which peers refuse")
    func expired() async throws {
        let authority = try TestAuthority(runtime: runtime)
        let svid = try authority.svid("/late", lifetime: .seconds(60), issued: .seconds(3_600))
        #expect(svid.notAfter < now)
        await #expect {
            try await PeerVerifier().verify(svid.chain, against: authority.authority.bundle(), now: now)
        } throws: { ($0 as? IdentityError)?.code == .expired }
    }

    @Test("two authorities do not know each other")
    func foreign() async throws {
        let (ours, theirs) = (try TestAuthority(runtime: runtime), try TestAuthority(runtime: runtime))
        let svid = try theirs.svid("/worker/1")
        await #expect(throws: IdentityError.self) {
            try await PeerVerifier().verify(svid.chain, against: ours.authority.bundle(), now: now)
        }
    }
}
