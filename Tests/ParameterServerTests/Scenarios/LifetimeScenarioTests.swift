import Coordination
import Foundation
import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

@testable import ParameterServer

/// What a coordinator and clients leave behind that were made and did nothing.
@Suite(.timeLimit(.minutes(5))) struct LifetimeScenarioTests {
    @Test("clients and servers that come and go leave no file descriptor and no connection behind")
    func descriptors() async throws {
        let cluster = try await TestCluster.start(
            SystemRuntime.shared, servers: 1, attemptTimeout: .seconds(10))
        func round() async throws {
            let mesh = try cluster.mesh("/worker/0")
            let client = try await cluster.client(mesh)
            try await client.declare(ScenarioJob.tables())
            _ = try await client.pull()
            client.close()
            await mesh.stop()
        }
        // What is made once and stays is made by then.
        for _ in 0..<3 { try await round() }
        let before = try await Self.settled(below: .max)
        for _ in 0..<20 { try await round() }
        let after = try await Self.settled(below: before)
        #expect(after <= before, "\(before) descriptors before, \(after) after 20 clients")
        await cluster.stop()
    }

    /// The process's open descriptors, when they are no more than `count` or have had 10 s for it: connections end on their
    /// own loops.
    private static func settled(below count: Int) async throws -> Int {
        var found = 0
        for _ in 0..<100 {
            found = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            if count < .max, found <= count { return found }
            try await SystemRuntime.shared.sleep(for: .milliseconds(count == .max ? 20 : 100))
        }
        return found
    }
}
