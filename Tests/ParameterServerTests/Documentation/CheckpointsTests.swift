import Coordination
import DocumentedCode
import Foundation
import MeshTransport
import MeshWire
import Optimizers
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// `Checkpoints.md` shows code that compiles, and does what the page says.
@Suite(.timeLimit(.minutes(2))) struct CheckpointsTests {
    @Test("every block of the page is a region of the compiled file, to the letter, and every region is shown")
    func page() throws {
        func text(_ path: String) throws -> String {
            try String(contentsOf: Interoperability.root.appending(path: path), encoding: .utf8)
        }
        let page = try text("Sources/ParameterServer/ParameterServer.docc/Checkpoints.md")
        let source = try text("Tests/ParameterServerTests/Documentation/Checkpoints.swift")
        let (blocks, regions) = (DocumentedCode.blocks(of: page), DocumentedCode.regions(of: source))
        #expect(regions.count == 5)
        #expect(blocks == regions)
    }

    @Test("the page's job writes a checkpoint, goes back to it, and gives its parameters to another")
    func job() async throws {
        let folder = try TemporaryFolder()
        let (path, file) = (folder.file("checkpoints").path, folder.file("model.safetensors").path)
        let cluster = try await TestCluster.start(SystemRuntime.shared, servers: 0, attemptTimeout: .seconds(10))
        _ = try await cluster.startServer(0, configuration: Checkpoints.server(path))
        let client = try await cluster.client(cluster.mesh("/worker/0"))
        try await client.declare(CheckpointJob.tables())
        _ = try await client.pull()
        try await client.train(1...2)
        let coordination = try cluster.coordination(cluster.mesh("/operator"))
        let (checkpoints, manifest) = try await Checkpoints.write(coordination, path)
        #expect(manifest.step == 1_200 && manifest.job == "ads")
        try await client.train(3...3)
        let report = try await Checkpoints.restore(checkpoints)
        #expect(report.lost == [client.session.id: 4])
        try await Checkpoints.export(coordination, file)
        let expected = try CheckpointJob.bits(try Safetensors.read(file))
        #expect(expected == (try CheckpointJob.bits(try await client.pull())))
        client.close()
        checkpoints.close()

        let other = try await DiskJob(in: try TemporaryFolder())
        _ = try await Checkpoints.start(other.checkpoints, CheckpointJob.tables(), file)
        let reader = try other.cluster.reader()
        #expect(try CheckpointJob.bits(try await reader.pull()) == expected)
        for cluster in [cluster, other.cluster] { await cluster.stop() }
    }
}
