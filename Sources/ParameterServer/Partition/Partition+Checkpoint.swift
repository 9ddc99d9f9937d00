import MeshWire
import Synchronization
import Tensor

/// What a partition has for a checkpoint, and how it goes back to one.
extension Partition {
    /// All that the partition holds, pinned, and what to wait for so that all of it is committed and safe.
    ///
    /// - Throws: ``ParameterServerError/Code/snapshotRevoked`` where more snapshots of its rows are taken at the same
    ///   moment than are kept.
    func snapshotToKeep() async throws(ParameterServerError) -> (PartitionSnapshot, Mark) {
        await turns.takeWithoutLimit()
        defer { turns.pass() }
        let (snapshot, mark) = state.withLock {
            ($0.state.snapshot, Mark(recorded: $0.state.position, logged: $0.logged))
        }
        // In its turn, when no push changes rows, but not under the mutex: it goes through the slabs.
        return (try snapshot.pinned(), mark)
    }

    /// Goes back to a checkpoint by a record, in an epoch that `beginEpoch` gets from the coordinator. The chain may be
    /// in that epoch before, as the map says it; the partition is not, so that no gradient of it can be computed from
    /// what was before. What is pushed until then is lost, and the result has it so.
    ///
    /// Whoever dies in between leaves a chain that begins a later epoch with all that was acknowledged: sessions are
    /// told of a loss that was none.
    /// - Parameter request: the number of the request for it.
    /// - Returns: what that made of sessions, and what to wait for until it stands.
    /// - Throws: ``ParameterServerError`` with `snapshotInvalid`, `checkpointFailed` for a snapshot that does not fit
    ///   into a record, `notRegistered` where this server does not head the partition, `busy`, `logFailed` or what
    ///   `beginEpoch` throws; then the partition is as it was.
    func goBack(
        to snapshot: PartitionSnapshot, for request: UInt64, beginEpoch: () async throws(ParameterServerError) -> UInt64
    ) async throws(ParameterServerError) -> (RestoredPartition, Mark) {
        let snapshot = try snapshot.pinned()
        // Whoever executes the record makes the same of it. Not under the mutex: it makes all rows.
        _ = try PartitionState(
            snapshot, id: id, name: name, of: table, epoch: snapshot.epoch, intactSince: snapshot.epoch,
            limits: PushLedger.Limits())
        try state.withLock { (guarded) throws(ParameterServerError) in
            try check(snapshot, guarded)
            guarded.isGoingBack = true
        }
        defer { endGoingBack() }
        let epoch = try await beginEpoch()
        await turns.takeWithoutLimit()
        defer { turns.pass() }
        try state.withLock { (guarded) throws(ParameterServerError) in
            try goBack(to: snapshot, for: request, in: epoch, on: &guarded)
        }
        guard let (restored, mark) = wentBack(for: request) else { preconditionFailure("\(name) has just gone back") }
        gate.reached(restored.version)
        return (restored, mark)
    }

    /// What became of the partition if this was the request for which it went back last, here or at the head before,
    /// and what to wait for until it stands.
    func wentBack(for request: UInt64) -> (RestoredPartition, Mark)? {
        state.withLock { guarded in
            guard let last = guarded.state.wentBack, last.request == request else { return nil }
            return (last.result, Mark(recorded: guarded.state.position, logged: guarded.logged))
        }
    }

    /// Whether the record can be made, and taken by the log and by whoever follows: asked before an epoch is begun for
    /// it.
    private func check(_ snapshot: PartitionSnapshot, _ guarded: Guarded) throws(ParameterServerError) {
        let (takesPushes, hasSuccessor) = chain.withLock { ($0.takesPushes, $0.place?.successor != nil) }
        guard takesPushes else { throw notHead }
        let record = guarded.state.record(ofRestoring: snapshot, for: 0, epoch: guarded.state.epoch + 1)
        try log?.check(recordOf: record, of: name)
        guard hasSuccessor, let most = driver?.recordBytes, record.memoryBytes > most else { return }
        throw ParameterServerError(
            .checkpointFailed,
            "partition \(name) goes back by a record of \(record.memoryBytes) bytes, and its followers are sent at most \(most): set replication.uncommittedBytes and the mesh's limits.messageBytes to \(record.memoryBytes) or more at every server, or cut the table into more partitions"
        )
    }

    private func goBack(
        to snapshot: PartitionSnapshot, for request: UInt64, in epoch: UInt64, on guarded: inout Guarded
    ) throws(ParameterServerError) {
        // Another server may have become the head meanwhile.
        guard chain.withLock({ $0.takesPushes }) else { throw notHead }
        guard epoch > guarded.state.epoch else {
            throw ParameterServerError(
                .checkpointFailed,
                "partition \(name) is in epoch \(guarded.state.epoch), its head in the map in \(epoch): restore again")
        }
        let record = guarded.state.record(ofRestoring: snapshot, for: request, epoch: epoch)
        try append(record, on: &guarded)
        do throws(TensorError) {
            try guarded.state.execute(record)
        } catch {
            let failure = ParameterServerError(.checkpointFailed, "partition \(name): \(error)", cause: error)
            log?.fail(failure)
            chained { $0.withdraw() }
            throw failure
        }
        chained { $0.execute() }
        // Whoever waits for a round is told to send its push again, which says that the partition has gone back.
        guarded.round.dropAll()
        guarded.gathering = nil
        tellClocks(guarded.state)
    }

    /// Begins the epoch that was held back meanwhile, unless what it went back to is of that epoch or a later one.
    private func endGoingBack() {
        let version = state.withLock { guarded in
            guarded.isGoingBack = false
            if let held = guarded.heldEpoch {
                guarded.heldEpoch = nil
                if held.epoch > guarded.state.epoch {
                    begin(epoch: held.epoch, intactSince: held.intactSince, on: &guarded)
                }
            }
            return guarded.state.version
        }
        gate.reached(version)
    }
}
