import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Telemetry
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct JoinEndpointTests {
    @Test("the join listener has 256 connections at a time, counts those that it refuses, and gives places again")
    func full() async throws {
        try await Simulated.run { simulation in
            let (runtime, log) = (simulation.runtime, LogCapture())
            let authority = simulation.authority.authority
            let own = try simulation.authority.svid("/coordinator")
            // As an issuance server shows itself: joining workloads know the root alone.
            let shown = try own.adding(signers: [authority.rootCertificate])
            let metrics = MetricsRegistry()
            let endpoint = try JoinEndpoint(
                identity: StaticIdentitySource(svid: shown, bundle: try authority.bundle()), runtime: runtime,
                metrics: metrics, logger: log.logger)
            let address = try await endpoint.listen(on: .tcp(host: "join", port: 1))
            func client() throws -> MeshClient {
                try JoinEndpoint.client(
                    at: address, root: authority.rootFingerprint, server: nil,
                    timeout: .seconds(10), runtime: runtime, logger: log.logger)
            }

            var clients: [MeshClient] = []
            for _ in 0..<256 {
                let client = try client()
                _ = try await client.connection()
                clients.append(client)
            }
            let refused = "mesh_connections_refused_total"
            #expect(metrics.lines(of: refused) == ["\(refused) 0"])
            let late = try client()
            #expect(await meshError { _ = try await late.connection() }?.code == .connectFailed)
            #expect(metrics.lines(of: refused) == ["\(refused) 1"])

            clients[0].close()
            try await runtime.sleep(for: .seconds(1))
            _ = try await late.connection()
            for client in clients + [late] { client.close() }
            await endpoint.stop()
        }
    }
}
