import Coordination
import Foundation
import Identity
import MeshTransport
import MeshWire
import Optimizers
import Tensor
import TestSupport
import Testing

@testable import ParameterServer

/// The command, run as people run it.
enum Command {
    /// Where it is, if it was built: beside the tests.
    static let path: String? = {
        let bundle = ProcessInfo.processInfo.arguments.lazy.compactMap { argument in
            argument.range(of: ".xctest").map { URL(filePath: String(argument[..<$0.upperBound])) }
        }.first
        let path = bundle?.deletingLastPathComponent().appending(path: "meshwork").path
        return path.flatMap { FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil }
    }()

    static func run(_ arguments: String...) async throws -> (status: Int32, printed: String) {
        let command = try Peer(path ?? "", arguments)
        try command.endInput(with: [])
        let ending = try await command.finish()
        return (ending.status, String(decoding: ending.printed, as: UTF8.self))
    }

    static func json(_ text: String) throws -> JSON {
        try JSONParser.parse(
            Array(text.utf8).dropLast(text.hasSuffix("\n") ? 1 : 0),
            limits: JSONParser.Limits(bytes: 1 << 20, values: 10_000))
    }
}

/// The command `meshwork`, which looks at checkpoints and logs.
@Suite(
    .timeLimit(.minutes(5)), .enabled(if: Command.path != nil, "meshwork is not built: swift build --product meshwork"))
struct CommandTests {
    @Test("the command lists, shows, verifies and dumps checkpoints and dumps a log, and says what is damaged")
    func command() async throws {
        let folder = try TemporaryFolder()
        let job = try await DiskJob(in: folder, keepsLog: true)
        let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
        try await client.declare(CheckpointJob.tables())
        _ = try await client.pull()
        for step in 1...2 {
            try await client.train(step...step)
            try await job.checkpoints.write(step: UInt64(step))
        }
        client.close()
        await job.cluster.stop()
        let checkpoints = job.checkpointPath

        let list = try await Command.run("checkpoint", "list", checkpoints, "--json")
        #expect(list.status == 0)
        let listed = try #require(try Command.json(list.printed).array)
        #expect(listed.map { $0["step"]?.integer(Int.self) } == [1, 2])
        #expect(listed.map { $0["partitions"]?.integer(Int.self) } == [4, 4])

        let show = try await Command.run("checkpoint", "show", checkpoints, "--step", "1")
        #expect(show.status == 0 && show.printed.contains("weight#2") && show.printed.contains("slot 0: 1"))
        #expect(try await Command.run("checkpoint", "verify", checkpoints).status == 0)

        let dump = try await Command.run("checkpoint", "dump", checkpoints, "--partition", "bias#0", "--json")
        let partition = try #require(try Command.json(dump.printed).array?.first)
        #expect(partition["name"]?.string == "bias#0")
        #expect(partition["applied"]?.integer(Int.self) == 2 && partition["counter"]?.integer(Int.self) == 2)
        let tensors = try #require(partition["tensors"]?.array)
        #expect(tensors.map { $0["name"]?.string } == ["parameters", "velocity"])
        #expect(tensors.map { $0["elements"]?.integer(Int.self) } == [3, 3])
        #expect(partition["sessions"]?.array?.count == 1)

        let log = try await Command.run("log", "dump", job.logPath, "--json")
        #expect(log.status == 0, "\(log.printed)")
        let partitions = try #require(try Command.json(log.printed)["partitions"]?.array)
        #expect(partitions.map { $0["partition"]?["applied"]?.integer(Int.self) } == [2, 2, 2, 2])
        #expect(try await Command.run("log", "dump", job.logPath).printed.contains("weight#1"))

        let file = "\(checkpoints)/\(CheckpointFolder.fileName(step: 2, table: 1, partition: 0, epoch: 1))"
        var bytes = try Data(contentsOf: URL(filePath: file))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(filePath: file))
        let damaged = try await Command.run("checkpoint", "verify", checkpoints)
        #expect(damaged.status == 1)
        #expect(damaged.printed.contains(file) && damaged.printed.contains("1     whole"), "\(damaged.printed)")
        let nothing = try await Command.run("checkpoint", "list", folder.file("typo").path)
        #expect(nothing.status != 0)
        #expect(!FileManager.default.fileExists(atPath: folder.file("typo").path))
    }
}
