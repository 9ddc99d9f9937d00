public import Coordination
import MeshTransport
import MeshWire
public import Tensor

/// The tables of a job as they were when it was taken, for as long as it is kept: every read of it gives the same bits,
/// while training goes on.
///
/// ```swift
/// let auc = try await reader.withSnapshot { snapshot in
///     let dense = try await snapshot.pull()
///     let users = try await snapshot.pull(rows: keys, of: "users")
///     return try evaluate(dense, users)
/// }
/// ```
/// Each partition is of one moment, at which every server of its chain had it so: no failover loses what a snapshot
/// shows. Partitions are of different moments, which ``versions`` name. The servers that headed the partitions keep it,
/// within ``ParameterServerConfiguration/snapshots``: where it was let go of, or another server heads the partition
/// since, reads end with ``ParameterServerError/Code/snapshotRevoked``, and never with other bits. Safe to use from any
/// task.
public final class ParameterSnapshot: Sendable {
    /// The version of each partition.
    public let versions: [PartitionID: PartitionVersion]
    /// For how long servers keep it without hearing of it again: less than was asked for where they say so.
    public let lease: Duration
    private let number: UInt64
    private let routes: TableRoutes
    private let runtime: any Runtime
    private let timeout: Duration

    /// Takes one of the tables that `routes` leads to.
    ///
    /// - Throws: what ``ParameterReader/snapshot(of:lease:)`` throws.
    init(
        _ routes: TableRoutes, lease: Duration, timeout: Duration, on runtime: any Runtime
    ) async throws(ParameterServerError) {
        // Never 0, which on the wire is no number.
        let number = runtime.randomBits() | 1
        do throws(ParameterServerError) {
            let kept = try await Self.ask(
                .keep, number, routes, lease: lease, until: runtime.now.advanced(by: timeout))
            versions = kept.versions
            self.lease = kept.lease
        } catch {
            await Self.release(number, routes, on: runtime)
            routes.close()
            throw error
        }
        self.number = number
        self.routes = routes
        self.runtime = runtime
        self.timeout = timeout
    }

    /// The dense tables, in the order in which they were declared.
    ///
    /// - Parameter names: which of them; default all of the snapshot.
    /// - Throws: ``ParameterServerError`` with `snapshotRevoked`, `unknownParameter` for a name that is not in the
    ///   snapshot or that of a row table, `peerLost`, `callFailed` or what a server answers.
    public func pull(_ names: [String]? = nil) async throws(ParameterServerError) -> NamedTensors {
        let tables = try routes.tables().tables
        for name in names ?? [] where !tables.contains(where: { $0.name == name && $0.rows == nil }) {
            throw ParameterServerError(
                .unknownParameter, "the snapshot has no dense table \(name): rows are pulled by their keys")
        }
        var pull = pull
        pull.tables = names.map(Set.init)
        let result = try await pull.run(minimums: [:])
        try check(result.versions)
        return result.parameters
    }

    /// Rows of a row table, in the order of their keys, as they were; rows that did not exist as they would have begun.
    ///
    /// - Returns: float32 `[keys, width]`.
    /// - Throws: as ``pull(_:)``, and `shapeMismatch` for a dense table, `rowOutOfRange`.
    public func pull(rows keys: [UInt64], of table: String) async throws(ParameterServerError) -> AnyTensor {
        let (rows, found) = try await RowRequest([table: keys], in: try routes.tables()).pull(pull, minimums: [:])
        try check(found)
        guard let rows = rows[table] else { preconditionFailure("rows of \(table) were pulled and are not there") }
        return rows
    }

    /// Has the servers keep it for another lease from now on.
    ///
    /// - Throws: ``ParameterServerError`` with `snapshotRevoked`, `peerLost` or `callFailed`.
    public func renew() async throws(ParameterServerError) {
        let deadline = runtime.now.advanced(by: timeout)
        _ = try await Self.ask(.renew, number, routes, lease: lease, until: deadline)
    }

    /// Lets go of it: what the servers keep for it alone is free again. Servers that cannot be reached free it when the
    /// lease is over. Takes 2 s at most.
    public func release() async {
        await Self.release(number, routes, on: runtime)
        routes.close()
    }

    /// Renews the lease until the task is cancelled or a server has let go of the snapshot.
    func keepAlive() async {
        while (try? await runtime.sleep(for: lease / 3)) != nil {
            do throws(ParameterServerError) {
                try await renew()
            } catch {
                // Others may be better off next time.
                if error.code == .snapshotRevoked { return }
            }
        }
    }

    private var pull: ParameterPull {
        ParameterPull(routes: routes, deadline: runtime.now.advanced(by: timeout), snapshot: number)
    }

    private func check(_ found: [PartitionID: PartitionVersion]) throws(ParameterServerError) {
        for (partition, version) in found where versions[partition] != version {
            throw ParameterServerError(
                .callFailed,
                "partition \(partition) was answered as of version \(version), the snapshot has \(versions[partition].map { "\($0)" } ?? "none")"
            )
        }
    }

    private static func ask(
        _ verb: SnapshotRequest.Verb, _ number: UInt64, _ routes: TableRoutes, lease: Duration,
        until deadline: RuntimeInstant
    ) async throws(ParameterServerError) -> (versions: [PartitionID: PartitionVersion], lease: Duration) {
        let answers = try await HeadRequests(routes, until: deadline, nil).answers {
            (client, share, time) throws(MeshError) in
            let request = SnapshotRequest(verb, number, lease: lease, partitions: share.places.map(\.id))
            let response = try await client.call(ParameterService.snapshot, request, timeout: time)
            return response.entries.map { KeptAnswer(entry: $0, lease: response.lease) }
        }
        return (answers.mapValues(\.entry.version), answers.values.map(\.lease).min() ?? lease)
    }

    private static func release(_ number: UInt64, _ routes: TableRoutes, on runtime: any Runtime) async {
        let deadline = runtime.now.advanced(by: .seconds(2))
        _ = try? await ask(.release, number, routes, lease: .zero, until: deadline)
    }

    /// What a server has of a partition, and for how long.
    private struct KeptAnswer: PartitionAnswer {
        var entry: SnapshotResponse.Entry
        var lease: Duration
        var answeredPartition: PartitionID { entry.partition }
    }
}
