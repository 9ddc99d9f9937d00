import Coordination
import Foundation
import MeshTransport
import MeshWire
import Optimizers
import Tensor
import TestSupport

@testable import ParameterServer

/// A job over TLS whose server writes to the system's disk.
struct DiskJob {
    let folder: TemporaryFolder
    let cluster: TestCluster
    let checkpoints: ParameterCheckpoints

    var checkpointPath: String { folder.file("checkpoints").path }
    var logPath: String { folder.file("log").path }

    init(
        in folder: TemporaryFolder, keepsLog: Bool = false, bytesPerSecond: Int = 256 << 20
    ) async throws {
        self.folder = folder
        cluster = try await TestCluster.start(SystemRuntime.shared, servers: 0, attemptTimeout: .seconds(10)) {
            $0.lease = .seconds(300)
        }
        var configuration = ParameterServerConfiguration()
        configuration.checkpoints = CheckpointConfiguration(folder: folder.file("checkpoints").path)
        configuration.checkpoints?.bytesPerSecond = bytesPerSecond
        if keepsLog { configuration.log = PartitionLogConfiguration(folder: folder.file("log").path) }
        _ = try await cluster.startServer(0, configuration: configuration)
        checkpoints = try ParameterCheckpoints(
            cluster.coordination(cluster.mesh("/operator")), job: "job", folder: folder.file("checkpoints").path)
    }
}
