import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Testing

/// Calls of a client whose certificate has just been renewed, so that each of its connections is to be replaced.
@Suite(.timeLimit(.minutes(5))) struct RenewedCertificateTests {
    @Test("a call that has failed at one endpoint goes to another, also while no connection has the newest certificate")
    func elsewhere() async throws {
        try await Fleet.run("good", "better") { fleet in
            let (authority, runtime) = (fleet.simulation.authority, fleet.simulation.runtime)
            let visits = Mutex<[String: Int]>([:])
            try await fleet.start("bad") { note in
                visits.withLock { $0[note.text, default: 0] += 1 }
                throw CallFailure(.unavailable, "broken")
            }
            fleet.become("good", "better", "bad")
            var configuration = MeshConfiguration()
            configuration.resolver = fleet.resolver
            configuration.balancing.policy = .roundRobin
            configuration.balancing.slowStart = nil
            configuration.failureAccrual = nil
            configuration.retry.statuses = [.unavailable]
            let identity = try authority.identity("/client")
            let mesh = try Mesh(configuration: configuration, identity: identity, policy: .denyAll, runtime: runtime)
            let client = mesh.client(
                Destination(service: Fleet.service, identities: [.below(try authority.id("/server"))]))
            try await fleet.warm(client)
            visits.withLock { $0 = [:] }
            for number in 0..<40 {
                identity.set(svid: try authority.svid("/client"))
                _ = try await client.call(Echo.echo, Note("\(number)"))
            }
            #expect(visits.withLock { $0.count } > 5)
            #expect(visits.withLock { $0.values.max() } == 1)
            client.close()
        }
    }
}
