import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor

@testable import ParameterServer

/// A simulated job with tables, and a reader of them.
enum SimulatedExport {
    static func run(
        _ body: @escaping @Sendable @concurrent (ParameterReader, SimulatedRuntime) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: 61) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 1)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare(CheckpointJob.tables())
            try await body(try cluster.reader(), runtime)
        }
    }
}
