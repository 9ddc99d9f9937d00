import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Tensor
import Testing

@testable import ParameterServer

/// Jobs with row tables that write checkpoints and go back to them.
@Suite struct RowJobTests {
    private static let keys = Array(0..<120 as Range<UInt64>)

    private static func table(replicas: Int = 0) throws -> TableDeclaration {
        var settings = TableDeclaration.RowSettings()
        settings.admission = 2
        settings.timeToLive = 30
        settings.rowsPerPartition = 500
        return try TableDeclaration(
            name: "rows", rowWidth: 5, rows: settings, initializer: .uniform(low: -1, high: 1), key: RandomKey(seed: 5),
            updateRule: .adam(), partitionCount: 3, replicas: replicas)
    }

    /// Pushes the rows of these steps; what was refused.
    @discardableResult
    private static func train(
        _ client: ParameterClient, _ steps: ClosedRange<Int>
    ) async throws -> [ParameterServerError] {
        var errors: [ParameterServerError] = []
        for step in steps {
            var generator = SplitMix64(seed: UInt64(step))
            let keys = Set((0..<20).map { _ in UInt64.random(in: 0..<120, using: &generator) }).sorted()
            let values = try AnyTensor.full([keys.count, 5], Float(step % 7) - 3)
            errors += try await client.push(NamedTensors(), rows: ["rows": KeyedRows(keys: keys, values: values)])
                .failed.map(\.error)
        }
        return errors
    }

    private static func bits(_ client: ParameterClient) async throws -> [UInt32] {
        try Example.bits(await client.pull(rows: keys, of: "rows"))
    }

    private static func client(_ job: CheckpointJob) async throws -> ParameterClient {
        let client = try await job.cluster.client(job.cluster.mesh("/worker/0"))
        try await client.declare([table()])
        return client
    }

    @Test(
        "rows that three servers wrote are bit for bit what two or five load, and training goes on to the same bits",
        arguments: [2, 5])
    func otherNumberOfServers(servers: Int) async throws {
        try await SimulatedRuntime.run(seed: 31) { runtime in
            let first = try await CheckpointJob(runtime, servers: 3)
            let worker = try await Self.client(first)
            #expect(try await Self.train(worker, 1...40).isEmpty)
            try await first.checkpoints.write(step: 40)
            #expect(try await Self.train(worker, 41...80).isEmpty)
            let expected = try await Self.bits(worker)

            let second = try await CheckpointJob(runtime, servers: servers)
            let report = try await second.checkpoints.restore()
            #expect(report.partitions.count == 3)
            try await second.checkpoints.write(step: 41)
            let (before, after) = (try await second.contents(40), try await second.contents(41))
            #expect(try before.map { try Self.rows($0) } == after.map { try Self.rows($0) })
            let other = try await Self.client(second)
            #expect(try await Self.train(other, 41...80).isEmpty)
            #expect(try await Self.bits(other) == expected)
        }
    }

    private static func rows(_ snapshot: PartitionSnapshot) throws -> [[UInt8]] {
        let image = try #require(try snapshot.rows?.image())
        return [[UInt8(image.nextSwept), UInt8(image.additions & 0xFF)]]
            + (image.slabs + image.counters).map { unsafe $0.withUnsafeBytes { unsafe Array($0) } }
    }

    @Test("a job goes back while rows are pushed; its log has it, and its servers start again where they were")
    func goesBack() async throws {
        try await SimulatedRuntime.run(seed: 32) { runtime in
            let job = try await CheckpointJob(runtime, servers: 2, keepsLog: true)
            let worker = try await Self.client(job)
            #expect(try await Self.train(worker, 1...20).isEmpty)
            try await job.checkpoints.write(step: 20)
            let saved = try await Self.bits(worker)
            #expect(try await Self.train(worker, 21...30).isEmpty)
            #expect(try await Self.bits(worker) != saved)
            let report = try await job.checkpoints.restore()
            #expect(report.lost.values.reduce(0, +) > 10)
            #expect(try await Self.bits(worker) == saved)
            _ = try await Self.train(worker, 31...31)
            _ = try await worker.pull(rows: Self.keys, of: "rows")
            #expect(try await Self.train(worker, 32...50).isEmpty)
            let expected = try await Self.bits(worker)
            for index in 0..<2 { job.kill(index) }
            runtime.disk.killProcess()
            for index in 0..<2 {
                _ = try await job.cluster.startServer(index, configuration: CheckpointJob.server(index, keepsLog: true))
            }
            #expect(try await Self.bits(worker) == expected)
            #expect(try await Self.train(worker, 51...60).isEmpty)
        }
    }

    @Test("damaged files of rows are refused by their names, and change nothing", arguments: [0, 1, 2])
    func damaged(_ damage: Int) async throws {
        try await SimulatedRuntime.run(seed: 33) { runtime in
            let job = try await CheckpointJob(runtime, servers: 2)
            let worker = try await Self.client(job)
            try await Self.train(worker, 1...20)
            try await job.checkpoints.write(step: 20)
            let before = try await Self.bits(worker)
            let file =
                "\(CheckpointJob.folder)/\(CheckpointFolder.fileName(step: 20, table: 0, partition: 1, epoch: 1))"
            switch damage {
            case 0: #expect(runtime.disk.flipBit(in: file) != nil)
            case 1: runtime.disk.setBytes(of: file, to: Array(try #require(runtime.disk.bytes(of: file)).dropLast()))
            default: try await runtime.disk.remove(file)
            }
            for error in [
                await parameterServerError { _ = try await job.checkpoints.restore() },
                await parameterServerError { try await job.checkpoints.verify(step: 20) },
            ] {
                #expect(error?.code == .checkpointInvalid)
                let words = ["CRC32C", "was written with", "missing"][damage]
                for word in [file, words, "restore the file from a copy"] {
                    #expect(error?.message.contains(word) == true, "\(word): \(error?.message ?? "taken")")
                }
            }
            #expect(try await Self.bits(worker) == before)
            #expect(try await Self.train(worker, 21...25).isEmpty)
        }
    }

    @Test("a chain goes back while rows are pushed: all servers hold the same bits, and a new follower gets them too")
    func chain() async throws {
        var configuration = ParameterServerConfiguration()
        configuration.checkpoints = CheckpointConfiguration(folder: ReplicatedCheckpoints.folder)
        try await ReplicatedJob.run(seed: 34, servers: 3, replicas: 1, configuration: configuration) { job in
            let checkpoints = try ReplicatedCheckpoints(job, servers: 3)
            let host = job.runtime.host("/worker/0")
            let isDone = Flag()
            async let working = host.run {
                let client = try await job.cluster.client(
                    job.cluster.mesh("/worker/0"), observer: job.notes.observer)
                try await client.declare([Self.table(replicas: 1)])
                var errors: [ParameterServerError] = []
                var step = 0
                while !isDone.isSet {
                    step += 1
                    _ = try await client.pull(rows: Self.keys, of: "rows")
                    errors += try await Self.train(client, step...step)
                    try await host.sleep(for: .milliseconds(5))
                }
                client.close()
                return (errors, step)
            }
            try await job.runtime.sleep(for: .milliseconds(250))
            try await checkpoints.write(step: 1)
            try await job.runtime.sleep(for: .milliseconds(100))
            let report = try await checkpoints.restore()
            #expect(report.partitions.count == 3 && report.lost.count == 1)
            #expect(try await job.isSettled())
            let victim = try #require(job.server(atPlace: 1))
            job.kill(victim)
            try await job.runtime.sleep(for: .seconds(3))
            isDone.set()
            let (errors, steps) = try await working
            #expect(Set(errors.map(\.code)) == [.rolledBack], "\(errors)")
            #expect(steps > 20)
            #expect(try await job.isSettled())
            #expect(await job.differences() == [])
            #expect(try await checkpoints.disagreements(with: report) == [])
        }
    }

    /// Guarded by a mutex.
    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }
}
