import Coordination
import MeshWire
import ParameterServer
import Synchronization
import Tensor

/// What a job must be, whatever happens to it, and what was found otherwise. Kept by somebody who is neither worker nor
/// server: guarded by a mutex.
///
/// Each push adds one to every element of its partition, so that the right value of a partition is the number of its
/// applied pushes, and each read can be held against what its reader has been told.
final class ChaosModel: Sendable {
    private struct State {
        var violations: [String] = []
        /// What successors were told that the sessions before them had applied: nothing may come to it.
        var handovers: [(session: SessionID, applied: AppliedPushes)] = []
        var acknowledgements: [Int: UInt64] = [:]
        var failures: [ParameterServerError.Code: Int] = [:]
    }

    let notes = PushNotebook()
    private let durabilities: Set<Durability>
    private let state = Mutex(State())

    /// - Parameter durabilities: what acknowledgements may name.
    init(durabilities: Set<Durability>) { self.durabilities = durabilities }

    /// What does not hold, in the order in which it was found.
    var violations: [String] { state.withLock { $0.violations } }

    /// How often pushes failed, by why.
    var failures: [ParameterServerError.Code: Int] { state.withLock { $0.failures } }

    /// The acknowledgements that a slot's workers have had.
    func acknowledgements(ofSlot slot: Int) -> UInt64 { state.withLock { $0.acknowledgements[slot] ?? 0 } }

    func violated(_ what: String) { state.withLock { $0.violations.append(what) } }

    /// Takes what a new session was told of the one before it.
    func opened(_ session: WorkerSession) {
        guard let predecessor = session.predecessor else { return }
        state.withLock { state in
            state.handovers += predecessor.applied.map { (predecessor.session, $0) }
        }
    }

    /// Takes the report of a push.
    func pushed(_ report: PushReport, slot: Int) {
        state.withLock { state in
            state.acknowledgements[slot, default: 0] += UInt64(report.acknowledged.count)
            for answer in report.acknowledged where !durabilities.contains(answer.durability) {
                state.violations.append("\(answer.push.name) is acknowledged with \(answer.durability)")
            }
            for failure in report.failed {
                state.failures[failure.error.code, default: 0] += 1
                if !Self.mayHappen.contains(failure.error.code) {
                    state.violations.append("a push of \(failure.push.name) failed: \(failure.error)")
                }
            }
        }
    }

    /// Holds a read against the acknowledgements that its reader had before.
    func pulled(
        _ parameters: NamedTensors, after floors: [PartitionName: UInt64], tables: [TableDeclaration]
    ) throws {
        for table in tables {
            let values = try parameters.tensor(named: table.name).scalars(as: Float.self)
            for part in 0..<table.partitionCount {
                let name = PartitionName(table: table.name, index: part)
                let found = Set(values[table.elements(ofPartition: part)])
                guard found.count == 1, let value = found.first else {
                    violated("a read of \(name) shows half of a push: \(found.sorted())")
                    continue
                }
                let floor = floors[name] ?? 0
                if -value < Float(floor) { violated("a read of \(name) shows \(-value), its reader had \(floor)") }
            }
        }
    }

    /// Compares the end of the job with what it must be.
    func finish(_ accounts: [PartitionAccount], _ parameters: NamedTensors, tables: [TableDeclaration]) throws
        -> PushAudit
    {
        let (sent, acknowledged) = notes.all
        let audit = PushAudit(accounts: accounts, sent: sent, acknowledged: acknowledged)
        for discrepancy in audit.discrepancies { violated("\(discrepancy)") }
        let expected = tables.reduce(0) { $0 + $1.partitionCount }
        if accounts.count != expected { violated("\(accounts.count) partitions gave account, expected \(expected)") }
        for account in accounts {
            guard let table = tables.first(where: { $0.name == account.name.table }) else { continue }
            let values = try parameters.tensor(named: table.name).scalars(as: Float.self)
            let found = Set(values[table.elements(ofPartition: account.name.index)])
            if found != [-Float(account.version.applied)] {
                violated("\(account.name) has applied \(account.version.applied) pushes and holds \(found.sorted())")
            }
            for (session, applied) in state.withLock({ $0.handovers }) where applied.partition == account.partition {
                let now = account.sessions.first { $0.session == session }?.applied ?? SequenceSet()
                if now != applied.sequences {
                    violated(
                        "\(account.name): the successor of session \(session) was told that it had applied \(applied.sequences), at the end there is \(now)"
                    )
                }
            }
        }
        return audit
    }

    /// How a push may end while processes die: never in a loss, as nothing of a log is lost.
    private static let mayHappen: Set<ParameterServerError.Code> = [
        .callFailed, .peerLost, .sessionFenced, .sessionExpired, .busy, .logFailed, .unconfirmed, .notRegistered,
        .coordination, .unknownParameter,
    ]
}
