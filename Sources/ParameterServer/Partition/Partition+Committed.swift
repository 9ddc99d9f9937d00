import MeshWire
import Synchronization
import Tensor

/// What a partition shows to those who read only what no failover loses.
extension Partition {
    /// The parameters, or the rows of `keys`, which have no fault, with what to wait for until they are committed;
    /// `nil` if too many wait or there is no memory for the rows.
    func pullToCommit(_ keys: AnyTensor?) async
        -> (values: AnyTensor, version: PartitionVersion, round: UInt64?, mark: Mark)?
    {
        let found = await marked { state in
            (values: try? state.values(of: keys), version: state.version, round: state.round)
        }
        guard let (read, mark) = found, let values = read.values else { return nil }
        return (values, read.version, read.round, mark)
    }

    /// The partition as it is, with what to wait for until that is committed; `nil` if too many wait.
    func keep() async -> (KeptPartition, Mark)? { await marked(KeptPartition.init) }

    /// How many calls wait, by what for, as metrics name it.
    var waitingCounts: [String: Int] {
        [
            "turn": turns.waitingCount, "version": gate.waitingCount, "chain": commits.waitingCount,
            "round": rounds.waitingCount, "clock": clockGate.waitingCount,
        ]
    }

    /// What `body` finds in the partition when its turn comes, with what to wait for until that is committed; `nil` if
    /// too many wait.
    func marked<Result>(_ body: (PartitionState) -> Result) async -> (Result, Mark)? {
        guard await turns.take() else { return nil }
        defer { turns.pass() }
        return state.withLock { guarded in
            (body(guarded.state), Mark(recorded: guarded.state.position, logged: guarded.logged))
        }
    }
}
