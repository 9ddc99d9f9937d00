import Coordination
import Foundation
import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import ParameterServer
import Synchronization
import Tensor

/// What a worker tells the launcher, a line each.
///
/// The pushes that it is about to send are in the pipe when it sends them, so that they survive it.
enum ChaosLine {
    case sending([(session: SessionID, partition: UInt64, sequence: UInt64)])
    case acknowledged([(session: SessionID, partition: UInt64, sequence: UInt64)])
    /// A push or a request that failed, by its code.
    case failed(String)
    /// Something that must not be.
    case violation(String)

    init?(_ line: Substring) {
        let words = line.split(separator: " ", maxSplits: 1)
        guard words.count == 2 else { return nil }
        switch words[0] {
        case "sending": self = .sending(Self.pushes(words[1]))
        case "acknowledged": self = .acknowledged(Self.pushes(words[1]))
        case "failed": self = .failed(String(words[1]))
        case "violation": self = .violation(String(words[1]))
        default: return nil
        }
    }

    static func text(of pushes: [PushIdentity]) -> String {
        pushes.map { "\($0.session.high),\($0.session.low),\($0.partition.rawValue),\($0.sequence)" }
            .joined(separator: " ")
    }

    private static func pushes(
        _ text: Substring
    ) -> [(session: SessionID, partition: UInt64, sequence: UInt64)] {
        text.split(separator: " ").compactMap { word in
            let numbers = word.split(separator: ",").compactMap { UInt64($0) }
            guard numbers.count == 4 else { return nil }
            return (SessionID(high: numbers[0], low: numbers[1]), numbers[2], numbers[3])
        }
    }
}

extension ChaosRoles {
    /// How a worker's session ended.
    private enum Ending: Sendable {
        /// Another worker has the slot.
        case fenced
        /// The worker opens another.
        case lost
    }

    /// A worker's life: counts in one session after the other, until it is stopped or another has its slot.
    static func work(
        _ role: ChaosRole, _ identity: any IdentitySource, _ answer: (Int) throws -> Void
    ) async throws {
        let faults = SeededFaults(
            seed: role.seed, replyLoss: 0.02, requestLoss: 0.02, requestDuplication: 0.04,
            isAffected: { $0 == "\(ParameterService.name)/Push" })
        let mesh = try role.mesh(identity, faults: faults)
        let coordination = try role.coordination(mesh)
        try answer(0)
        while true {
            let session: WorkerSession
            do throws(CoordinationError) {
                session = try await coordination.openSession(slot: role.number)
            } catch {
                try say("failed session.\(error.code)")
                try await Task.sleep(for: .milliseconds(100))
                continue
            }
            let ending = try await withThrowingTaskGroup(of: Ending.self) { group in
                group.addTask {
                    do {
                        try await coordination.keepAlive(session)
                    } catch let error as CoordinationError {
                        return error.code == .sessionFenced ? .fenced : .lost
                    }
                    return .lost
                }
                group.addTask { try await count(session, coordination, role) }
                defer { group.cancelAll() }
                return try await group.next() ?? .lost
            }
            if ending == .fenced { return }
        }
    }

    private static func count(
        _ session: WorkerSession, _ coordination: CoordinationClient, _ role: ChaosRole
    ) async throws -> Ending {
        var configuration = ParameterClientConfiguration()
        configuration.timeout = ChaosRole.timeout
        let client = try ParameterClient(
            session, coordination, configuration: configuration,
            observer: PushObserver(
                beforeFirstAttempt: { try say("sending \(ChaosLine.text(of: $0))") },
                afterAcknowledgement: { pushes in
                    guard !pushes.isEmpty else { return }
                    try? say("acknowledged \(ChaosLine.text(of: pushes))")
                }))
        defer { client.close() }
        let tables = try ChaosRole.tables(followers: role.followers)
        let gradients = try tables.ones()
        var floors: [String: UInt64] = [:]
        var isDeclared = false
        while true {
            do throws(ParameterServerError) {
                if !isDeclared { try await client.declare(tables) }
                isDeclared = true
                let parameters = try await client.pull()
                try? check(parameters, floors, tables)
            } catch {
                try say("failed pull.\(error.code)")
                try await Task.sleep(for: .milliseconds(50))
                continue
            }
            let report = try await client.push(gradients)
            for answer in report.acknowledged { floors["\(answer.push.name)"] = answer.version.applied }
            for failure in report.failed { try say("failed push.\(failure.error.code)") }
            let codes = Set(report.failed.map(\.error.code))
            if codes.contains(.sessionFenced) { return .fenced }
            if !codes.isDisjoint(with: [.sessionExpired, .ledgerFull]) { return .lost }
            try await Task.sleep(for: .milliseconds(4))
        }
    }

    /// A read shows whole pushes, and all that its reader was told of.
    private static func check(
        _ parameters: NamedTensors, _ floors: [String: UInt64], _ tables: [TableDeclaration]
    ) throws {
        for table in tables {
            let values = try parameters.tensor(named: table.name).scalars(as: Float.self)
            for part in 0..<table.partitionCount {
                let name = "\(PartitionName(table: table.name, index: part))"
                let found = Set(values[table.elements(ofPartition: part)])
                if found.count != 1 { try say("violation a read of \(name) shows half of a push") }
                let floor = floors[name] ?? 0
                if let value = found.first, -value < Float(floor) {
                    try say("violation a read of \(name) shows \(-value), its reader had \(floor)")
                }
            }
        }
    }

    /// In one write, which a pipe takes whole or not at all: the worker may die at any moment.
    private static func say(_ line: String) throws {
        try output.withLock { try $0.write(contentsOf: Data("\(line)\n".utf8)) }
    }

    private static let output = Mutex(FileHandle.standardOutput)
}
