public import Coordination
import MeshWire
import Synchronization
public import Tensor

extension ParameterClient {
    /// The dense tables, of partitions that have come as far as somebody knows, or in a state that no failover loses.
    ///
    /// ```swift
    /// let evaluated = try await client.pull(atLeast: report.versions, isolation: .committed)
    /// ```
    /// Waits until each partition is at its version, at most until the client's timeout. In what order versions are
    /// seen, and what gradients are computed from, is as with ``pull()``.
    /// - Parameters:
    ///   - versions: of partitions, as another process has told them (``PushReport/versions``, ``seenVersions``);
    ///     those of partitions that are not pulled do not count.
    ///   - isolation: which state may be shown.
    /// - Throws: as ``pull()``, and ``ParameterServerError`` with `versionNotReached` or `unconfirmed` when the time
    ///   is over.
    public func pull(
        atLeast versions: [PartitionID: PartitionVersion] = [:], isolation: ReadIsolation
    ) async throws(ParameterServerError) -> NamedTensors {
        let minimums = versions.merging(seenVersions) { max($0, $1) }
        let bound = state.withLock { $0.clock.bound(of: session.slot) }
        let result = try await ParameterPull(
            routes: routes, deadline: deadline, bound: bound, encodings: pullEncodings,
            whenBehind: { [self] in await tellAgain() }, isolation: isolation
        ).run(minimums: minimums)
        pulled(result.versions)
        if let round = result.round { state.withLock { $0.round = round } }
        return result.parameters
    }

    /// The latest version of each partition that an answer to this client has shown, of its pushes and its pulls. No
    /// later pull of it is older.
    public var seenVersions: [PartitionID: PartitionVersion] { state.withLock { $0.seen } }
}

extension PushReport {
    /// The version of each partition after the step, where it was applied: who pulls at least these sees the step.
    public var versions: [PartitionID: PartitionVersion] {
        Dictionary(acknowledged.map { ($0.push.partition, $0.version) }) { max($0, $1) }
    }
}
