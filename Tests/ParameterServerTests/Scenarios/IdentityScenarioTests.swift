import Coordination
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Tensor
import Testing

@testable import ParameterServer

/// Certificates that end, are taken back or are replaced in the middle of a job.
@Suite struct IdentityScenarioTests {
    /// A worker that pushes under an identity, and the servers that it pushes to.
    private struct Job {
        let runtime: SimulatedRuntime
        let cluster: TestCluster
        let worker: RotatableIdentity
        let server: RotatableIdentity
        let client: ParameterClient

        init(_ runtime: SimulatedRuntime, lifetime: Duration? = nil) async throws {
            self.runtime = runtime
            cluster = try await TestCluster.start(runtime, servers: 0) { $0.lease = .seconds(86_400) }
            worker = try cluster.identity("/worker/0", lifetime: lifetime)
            server = try cluster.identity("/server/0")
            let (server, address) = try await cluster.listeningServer(0, identity: self.server)
            try await server.register(at: address)
            var configuration = ParameterClientConfiguration()
            configuration.timeout = .seconds(3)
            client = try await cluster.client(
                cluster.mesh("/worker/0", identity: worker), configuration: configuration)
            try await client.declare(ScenarioJob.tables())
            _ = try await client.pull()
        }

        func push() async throws -> PushReport { try await client.push(ScenarioJob.gradients()) }
    }

    @Test("certificates that are replaced in the middle of a job, a worker's and a server's, make no push fail")
    func rotation() async throws {
        try await SimulatedRuntime.run(seed: 46) { runtime in
            let job = try await Job(runtime)
            for step in 1...60 {
                let report = try await job.push()
                #expect(report.failed.isEmpty, "step \(step): \(report.failed.map(\.error))")
                let newer = try job.cluster.identity(step.isMultiple(of: 2) ? "/worker/0" : "/server/0").current.svid
                if step.isMultiple(of: 2) { job.worker.set(svid: newer) } else { job.server.set(svid: newer) }
            }
            #expect(try await job.cluster.applied() == [60, 60, 60, 60])
        }
    }

    @Test("a worker that is put on the deny list in the middle of a job pushes nothing more, and is told why")
    func denied() async throws {
        try await SimulatedRuntime.run(seed: 46) { runtime in
            let job = try await Job(runtime)
            for _ in 0..<3 { #expect(try await job.push().failed.isEmpty) }
            let worker = job.worker.current.svid.spiffeID
            job.server.set(
                denyList: try DenyList(
                    version: 1,
                    entries: [
                        .identity(
                            worker,
                            issuedBefore: UnixTime(seconds: runtime.timeSince1970.components.seconds) + .seconds(60))
                    ]))
            let report = try await job.push()
            #expect(report.acknowledged.isEmpty)
            #expect(Set(report.failed.map(\.error.code)) == [.peerLost])
            #expect(try await job.cluster.applied() == [3, 3, 3, 3])
        }
    }

    @Test("a worker whose certificate has ended is refused, and nothing has changed; with a new one it goes on")
    func expired() async throws {
        try await SimulatedRuntime.run(seed: 46) { runtime in
            let job = try await Job(runtime, lifetime: .seconds(600))
            for _ in 0..<3 { #expect(try await job.push().failed.isEmpty) }
            // The time by which clocks may differ is over too, and the connection with it.
            try await runtime.sleep(for: .seconds(1_200))
            let report = try await job.push()
            #expect(report.acknowledged.isEmpty && report.failed.count == 4)
            #expect(Set(report.failed.map(\.error.code)) == [.peerLost], "\(report.failed.map(\.error))")
            #expect(try await job.cluster.applied() == [3, 3, 3, 3])
            job.worker.set(svid: try job.cluster.identity("/worker/0").current.svid)
            #expect(try await job.push().failed.isEmpty)
            #expect(try await job.cluster.applied() == [4, 4, 4, 4])
        }
    }
}
