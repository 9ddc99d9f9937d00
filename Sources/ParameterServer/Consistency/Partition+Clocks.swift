import Coordination
import Identity
import MeshWire
import Synchronization
import Tensor

/// A tick of a worker that has no gradient for a partition.
struct ArrivedTick: Sendable {
    var session: SessionID
    var peer: SPIFFEID
    var tick: ClockTick
}

extension PartitionState {
    /// The record that takes a tick; `nil` if it says nothing new.
    ///
    /// - Throws: ``ParameterServerError`` of a session that may not push.
    func record(of arrived: ArrivedTick) throws(ParameterServerError) -> PartitionRecord? {
        if let refusal = fence.refusal(of: arrived.session, slot: arrived.tick.slot, peer: arrived.peer) {
            throw ParameterServerError(refusal.code, "partition \(name): \(refusal.message)")
        }
        var after = clocks
        after.take(arrived.tick, of: arrived.session, fence)
        guard after != clocks else { return nil }
        return PartitionRecord(position: position + 1, epoch: epoch, change: .tick(arrived.session, arrived.tick))
    }
}

extension Partition {
    /// Takes down that a worker is so far, when the turn comes. Ticks come one a step of a worker, and copies change
    /// nothing.
    ///
    /// - Returns: the slot's clock, and what to wait for until a failover keeps it.
    /// - Throws: ``ParameterServerError`` of a session that may not push, with `notRegistered` where another server
    ///   heads the partition, `busy` or `logFailed`.
    func tick(_ arrived: ArrivedTick) async throws(ParameterServerError) -> (clock: UInt64, mark: Mark) {
        guard await turns.take() else {
            throw ParameterServerError(.busy, "partition \(name): too many pushes wait")
        }
        defer { turns.pass() }
        return try state.withLock { (guarded) throws(ParameterServerError) in
            guard chain.withLock({ $0.takesPushes }) else { throw notHead }
            if let record = try guarded.state.record(of: arrived) {
                try append(record, on: &guarded)
                // It computes nothing, and so cannot fail.
                _ = try? guarded.state.execute(record)
                chained { $0.execute() }
                tellClocks(guarded.state)
            }
            let clock = guarded.state.clocks.entries.first { $0.slot == arrived.tick.slot }?.clock ?? 0
            return (clock, Mark(recorded: guarded.state.position, logged: guarded.logged))
        }
    }

    /// Lets pulls know how far workers are, after records were executed.
    func tellClocks(_ state: PartitionState) { clockGate.take(state.clocks, state.fence) }

    /// Waits until no other live worker is behind what a pull allows.
    ///
    /// - Throws: ``ParameterServerError`` with `staleClock`, which names the worker that it waited for,
    ///   `notRegistered` where another server heads the partition, and `busy`.
    func waitForClocks(
        _ bound: ClockBound, until deadline: RuntimeInstant, on runtime: any Runtime
    ) async throws(ParameterServerError) {
        switch await clockGate.wait(for: bound, until: deadline, on: runtime) {
        case .reached: return
        case .refused:
            guard isHead else { throw notHead }
            throw ParameterServerError(.busy, "partition \(name): too many pulls wait for other workers")
        case .behind(let slowest):
            let owner = state.withLock { $0.state.fence.entry(for: slowest.slot)?.owner.description } ?? "unknown"
            throw ParameterServerError(
                .staleClock,
                "partition \(name): the pull waits for clock \(bound.least), and slot \(slowest.slot), session \(slowest.session) of \(owner), is at \(slowest.clock); look at that worker, or raise the bound"
            )
        }
    }
}
