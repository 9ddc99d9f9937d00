import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Tensor

@testable import ParameterServer

/// A simulated job whose servers write checkpoints to one folder, and whoever asks for them.
struct CheckpointJob {
    static let folder = "/checkpoints"

    let runtime: SimulatedRuntime
    let cluster: TestCluster
    let checkpoints: ParameterCheckpoints

    /// Two tables of four partitions together.
    static func tables() throws -> [TableDeclaration] {
        [
            try Example.table(
                "weight", shape: [6, 3], initializer: .uniform(low: -1, high: 1), rule: .adam(), partitions: 3),
            try Example.table("bias", shape: [3], rule: .sgd(learningRate: 0.1, momentum: 0.9)),
        ]
    }

    static func gradients(_ value: Int) throws -> NamedTensors {
        try NamedTensors([("weight", .full([6, 3], Float(value))), ("bias", .full([3], Float(value)))])
    }

    static func bits(_ parameters: NamedTensors) throws -> [[UInt32]] {
        try parameters.map { try Example.bits($0.tensor) }
    }

    init(
        _ runtime: SimulatedRuntime, servers: Int = 1, named name: String = "job", keepsLog: Bool = false,
        kept: Int = 3, timeout: Duration = .seconds(20)
    ) async throws {
        self.runtime = runtime
        let cluster = try await TestCluster.start(runtime, servers: 0) { $0.serversBeforePlacement = servers }
        for index in 0..<servers {
            _ = try await cluster.startServer(index, configuration: Self.server(index, keepsLog: keepsLog))
        }
        self.cluster = cluster
        var configuration = ParameterCheckpointsConfiguration()
        configuration.kept = kept
        configuration.timeout = timeout
        // A call a partition.
        configuration.callBytes = 1
        checkpoints = try ParameterCheckpoints(
            cluster.coordination(cluster.mesh("/operator")), job: name, folder: Self.folder,
            configuration: configuration)
    }

    static func server(_ index: Int, keepsLog: Bool = false) -> ParameterServerConfiguration {
        var configuration = ParameterServerConfiguration()
        configuration.checkpoints = CheckpointConfiguration(folder: folder)
        if keepsLog { configuration.log = PartitionLogConfiguration(folder: "/log-\(index)") }
        return configuration
    }

    /// Ends a server's process, with what it had in memory.
    func kill(_ index: Int) {
        let server = cluster.coordinator.map.servers[index]
        runtime.kill(host: server.host, port: server.port)
    }

    /// A worker that has declared the tables and pulled.
    func worker(_ slot: Int = 0) async throws -> ParameterClient {
        let client = try await cluster.client(cluster.mesh("/worker/\(slot)"), slot: slot)
        try await client.declare(Self.tables())
        _ = try await client.pull()
        return client
    }

    /// What the files of a checkpoint have.
    func contents(_ step: UInt64) async throws -> [PartitionSnapshot] {
        let folder = CheckpointFolder(Self.folder, on: runtime)
        let manifest = try await folder.manifest(step)
        var contents: [PartitionSnapshot] = []
        for file in manifest.files { contents.append(try await folder.read(file, step: step)) }
        return contents
    }
}

extension ParameterClient {
    /// Pushes the gradients of these steps, all of which must be applied.
    func train(_ steps: ClosedRange<Int>) async throws {
        for step in steps {
            let report = try await push(CheckpointJob.gradients(step))
            guard report.failed.isEmpty else { throw report.failed[0].error }
        }
    }
}

extension PartitionSnapshot {
    /// All that makes the partition go on, but for epochs and what is told of answers.
    var substance: [String] {
        get throws {
            try tensors.map { "\(try Example.bits($0))" } + ["\(applied) \(auditCounter) \(stepCount) \(powers)"]
                + accounts.map { "\($0.session) \($0.account.applied) \($0.account.rejected)" }
        }
    }
}
