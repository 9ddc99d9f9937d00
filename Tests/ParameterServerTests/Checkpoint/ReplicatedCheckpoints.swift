import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Tensor

@testable import ParameterServer

/// Whoever asks for the checkpoints of a ``ReplicatedJob``. Every host has a disk of its own, and copies of the files
/// stand for a folder that all of them share.
struct ReplicatedCheckpoints: Sendable {
    static let folder = "/checkpoints"

    private let job: ReplicatedJob
    private let checkpoints: ParameterCheckpoints
    private let servers: Int

    init(_ job: ReplicatedJob, servers: Int) throws {
        self.job = job
        self.servers = servers
        var configuration = ParameterCheckpointsConfiguration()
        configuration.timeout = .seconds(30)
        // A call a partition.
        configuration.callBytes = 1
        checkpoints = try ParameterCheckpoints(
            job.cluster.coordination(job.cluster.mesh("/operator")), job: "job", folder: Self.folder,
            configuration: configuration)
    }

    private var host: SimulatedHost { job.runtime.host("/operator") }

    func write(step: UInt64) async throws {
        let checkpoints = checkpoints
        _ = try await host.run { try await checkpoints.write(step: step) }
        let disks = [host.disk] + (0..<servers).map { job.host($0).disk }
        var files: [String: [UInt8]] = [:]
        for disk in disks {
            for name in try await disk.list(Self.folder) where name != "lock" {
                files[name] = disk.bytes(of: "\(Self.folder)/\(name)")
            }
        }
        for disk in disks {
            for (name, bytes) in files { disk.setBytes(of: "\(Self.folder)/\(name)", to: bytes) }
        }
        _ = try await host.run { try await checkpoints.verify(step: step) }
    }

    func restore() async throws -> RollBackReport {
        let checkpoints = checkpoints
        return try await host.run { try await checkpoints.restore() }
    }

    /// What the heads hold, but for epochs and what is told of answers.
    func substance() async throws -> [[String]] {
        var substance: [[String]] = []
        for entry in job.entries {
            guard let head = job.partition(entry.id, at: entry.head) else { continue }
            substance.append(try await head.snapshot().1.substance)
        }
        return substance
    }

    /// Where figures of the heads do not agree, and acknowledged pushes that are neither in a ledger nor told as lost.
    func disagreements(with report: RollBackReport) async throws -> [String] {
        var disagreements: [String] = []
        let acknowledged = job.notes.all.acknowledged.sequences
        for entry in job.entries {
            guard let account = await job.partition(entry.id, at: entry.head)?.account(),
                let restored = report.partitions.first(where: { $0.partition == entry.id })
            else {
                disagreements.append("partition \(entry.id) is not there")
                continue
            }
            let applied = account.version.applied
            if account.counter != Int64(applied) || account.appliedInLedger != applied {
                disagreements.append("\(account.name): \(account.counter), \(account.appliedInLedger) of \(applied)")
            }
            for (key, sequences) in acknowledged where key.partition == entry.id {
                let stands = account.sessions.first { $0.session == key.session }?.applied ?? SequenceSet()
                let lost = restored.sessions.first { $0.session == key.session }?.lost ?? SequenceSet()
                let missing = sequences.subtracting(stands).subtracting(lost)
                if !missing.isEmpty { disagreements.append("\(account.name): \(missing) of \(key.session) is nowhere") }
            }
        }
        return disagreements
    }
}
