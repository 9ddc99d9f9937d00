public import Coordination
import MeshTransport
import MeshWire

/// Writes checkpoints of a job's tables, and has the job go back to one, while it runs or after it has begun anew.
///
/// ```swift
/// let checkpoints = try ParameterCheckpoints(coordination, job: "ads", folder: "/shared/ads/checkpoints")
/// try await checkpoints.write(step: 1_200)
/// let report = try await checkpoints.restore()
/// ```
/// Every server writes the partitions that it heads, from snapshots, while pushes go on; the manifest that makes the
/// files a checkpoint is written last. Each partition is consistent in itself (parameters, optimizer, ledger, version
/// and audit counter of one moment), partitions are of different moments, and ``CheckpointManifest`` says of which. The
/// folder is the one that the servers' ``ParameterServerConfiguration/checkpoints`` name. Safe to use from any task:
/// one at a time writes to a folder, whatever the process.
public final class ParameterCheckpoints: Sendable {
    /// Hears of every call that a server has answered.
    public typealias Progress = @Sendable (CheckpointProgress) -> Void

    let coordination: CoordinationClient
    let job: String
    let folder: CheckpointFolder
    let configuration: ParameterCheckpointsConfiguration
    private let clients: ServerClients

    /// Checkpoints of `job` in `folder`, which is made if there is none, but not those above it.
    ///
    /// - Parameter job: any name; a checkpoint of another one is refused when it is to be restored.
    /// - Throws: ``ParameterServerError/Code/invalidConfiguration``.
    public init(
        _ coordination: CoordinationClient, job: String, folder: String,
        configuration: ParameterCheckpointsConfiguration = ParameterCheckpointsConfiguration()
    ) throws(ParameterServerError) {
        try configuration.validate()
        self.coordination = coordination
        self.job = job
        self.folder = CheckpointFolder(folder, on: coordination.mesh.runtime)
        self.configuration = configuration
        clients = ServerClients(coordination.mesh)
    }

    /// Writes a checkpoint of all declared tables, then removes those that are more than
    /// ``ParameterCheckpointsConfiguration/kept``.
    ///
    /// - Parameter step: what checkpoints are ordered by; greater than that of any before it.
    /// - Throws: ``ParameterServerError`` with `checkpointFailed` (a full disk, a folder that may not be written to
    ///   or is in use, a step that is not greater), `notAllowed`, `coordination`, `callFailed` or what a server
    ///   answers. The checkpoints that were there are whole then.
    @discardableResult
    public func write(
        step: UInt64, progress: Progress? = nil
    ) async throws(ParameterServerError) -> CheckpointManifest {
        try await folder.locked { () throws(ParameterServerError) in
            try await begin(step)
            let deadline = deadline
            let map = try await map()
            let routes = TableRoutes(coordination, clients, callBytes: configuration.callBytes)
            defer { routes.close() }
            try routes.install(map, named: nil)
            let tables = try routes.tables().tables
            let written = try await HeadRequests(routes, until: deadline, progress).answers {
                (client, share, time) throws(MeshError) in
                let order = CheckpointOrder(step: step, entries: share.places.map(CheckpointOrder.Entry.init))
                return try await client.call(ParameterService.checkpoint, order, timeout: time).partitions
            }
            let places = try routes.tables().shares.flatMap(\.places).sorted { $0.name.index < $1.name.index }
            let manifest = CheckpointManifest(
                job: job, step: step, mapVersion: map.version,
                tables: tables.enumerated().map { index, declaration in
                    CheckpointManifest.Table(
                        declaration: declaration,
                        partitions: places.filter { $0.table == index }.compactMap { written[$0.id] })
                })
            try await finish(manifest)
            return manifest
        }
    }

    /// The steps of the checkpoints in the folder, in ascending order.
    ///
    /// - Throws: ``ParameterServerError/Code/checkpointFailed``.
    public func steps() async throws(ParameterServerError) -> [UInt64] { try await folder.steps() }

    /// Reads every byte of a checkpoint and compares it with the manifest. Loads nothing.
    ///
    /// - Throws: ``ParameterServerError`` with `checkpointInvalid`, which names the file and what is wrong in it, and
    ///   `checkpointFailed`.
    @discardableResult
    public func verify(step: UInt64) async throws(ParameterServerError) -> CheckpointManifest {
        let manifest = try await folder.manifest(step)
        try await folder.verify(manifest)
        return manifest
    }

    /// Has every table of a checkpoint be as it was then: parameters, optimizer, ledger, version and audit counter, bit
    /// for bit. Tables that are not declared are.
    ///
    /// The job may run. Every partition begins an epoch: gradients of before are refused as
    /// ``ParameterServerError/Code/rolledBack`` with what stands of their session's pushes, and workers pull again.
    /// Sessions go on; one that has made way for another does not come back. All files are looked at by the servers
    /// that are to load them before the first is loaded.
    /// - Parameter step: which checkpoint; default the last one.
    /// - Returns: what stands and what is lost, for each partition and session.
    /// - Throws: ``ParameterServerError`` with `checkpointInvalid` for a file that is not what was written, for
    ///   another job and for a table that is declared otherwise; then nothing has changed. `checkpointFailed`,
    ///   `notAllowed`, `coordination`, `callFailed` or what a server answers; then some partitions may have gone back,
    ///   and a second call has the others do so.
    @discardableResult
    public func restore(
        step: UInt64? = nil, progress: Progress? = nil
    ) async throws(ParameterServerError) -> RollBackReport {
        let manifest = try await manifest(step)
        let deadline = deadline
        let map = try await declare(manifest.tables.map(\.declaration))
        let routes = TableRoutes(coordination, clients, callBytes: configuration.callBytes)
        defer { routes.close() }
        try routes.install(manifest.tables.map(\.declaration), in: map)
        var restored: [PartitionID: RestoredPartition] = [:]
        for loads in [false, true] {
            let request = coordination.mesh.runtime.randomBits()
            restored = try await HeadRequests(routes, until: deadline, loads ? progress : nil).answers {
                (client, share, time) throws(MeshError) in
                let order = RestoreOrder(
                    step: manifest.step, request: request, loads: loads,
                    entries: share.places.map { RestoreOrder.Entry($0, of: manifest) })
                let answer = try await client.call(ParameterService.restore, order, timeout: time).partitions
                return loads ? answer : share.places.map(RestoredPartition.init(unchanged:))
            }
        }
        let names = Set(manifest.tables.map(\.declaration.name))
        return RollBackReport(
            step: manifest.step,
            partitions: restored.values.sorted { $0.partition < $1.partition },
            untouched: map.tables.map(\.name).filter {
                !names.contains($0) && !$0.hasPrefix(ReservedTables.prefix)
            })
    }

    /// Closes the connections to the servers.
    public func close() { clients.close() }

    var deadline: RuntimeInstant { coordination.mesh.runtime.now.advanced(by: configuration.timeout) }

    /// The map as it is now.
    ///
    /// - Throws: ``ParameterServerError/Code/coordination``.
    func map() async throws(ParameterServerError) -> PartitionMap {
        do throws(CoordinationError) {
            return try await coordination.fetchMap()
        } catch {
            throw ParameterServerError(error)
        }
    }

    /// Makes room for a checkpoint that begins. For whoever has the folder to itself.
    func begin(_ step: UInt64) async throws(ParameterServerError) {
        if let last = try await folder.steps().last, last >= step {
            throw ParameterServerError(
                .checkpointFailed,
                "\(folder.path) has a checkpoint of step \(last), and \(step) is not greater: count on, remove the later ones, or name another folder"
            )
        }
        try await folder.removeUnfinished()
    }

    /// Writes the manifest, and removes what is too old.
    func finish(_ manifest: CheckpointManifest) async throws(ParameterServerError) {
        for table in manifest.tables where table.partitions.count != table.declaration.partitionCount {
            throw ParameterServerError(
                .checkpointFailed,
                "\(table.partitions.count) of \(table.declaration.partitionCount) partitions of table \(table.declaration.name) were written: the others have no head in the map"
            )
        }
        try await folder.write(manifest)
        try await folder.keepLast(configuration.kept)
    }

    /// The manifest of a checkpoint that this job may go back to, whose files are all there.
    func manifest(_ step: UInt64?) async throws(ParameterServerError) -> CheckpointManifest {
        let last = try await folder.steps().last
        guard let step = step ?? last else {
            throw ParameterServerError(
                .checkpointFailed, "\(folder.path) has no checkpoint: write one, or name the folder that has")
        }
        let manifest = try await folder.manifest(step)
        guard manifest.job == job else {
            throw ParameterServerError(
                .checkpointInvalid,
                "\(folder.manifestPath(step)), job: it is of job \(manifest.job), this is \(job): name the folder of this job, or ask as that one"
            )
        }
        try await folder.checkNames(of: manifest)
        return manifest
    }

    private func declare(_ tables: [TableDeclaration]) async throws(ParameterServerError) -> PartitionMap {
        do throws(CoordinationError) {
            return try await coordination.declare(tables.map(\.request))
        } catch {
            guard error.code == .conflictingDeclaration else { throw ParameterServerError(error) }
            throw ParameterServerError(
                .checkpointInvalid,
                "\(error.message): the checkpoint has it with another declaration; go back to a checkpoint of this one, or begin a job of its own",
                cause: error)
        }
    }
}

extension CheckpointOrder.Entry {
    fileprivate init(_ place: TableSet.Place) {
        self.init(partition: place.id, table: place.table, index: place.name.index)
    }
}

extension RestoreOrder.Entry {
    fileprivate init(_ place: TableSet.Place, of manifest: CheckpointManifest) {
        self.init(
            place: CheckpointOrder.Entry(place), file: manifest.tables[place.table].partitions[place.name.index])
        // The file has the ledger; what of it went to the manifest is for people.
        file.sessions = []
    }
}

extension RestoredPartition {
    /// Of a partition whose file was looked at.
    fileprivate init(unchanged place: TableSet.Place) {
        self.init(
            partition: place.id, name: place.name, version: PartitionVersion(epoch: place.epoch, applied: 0),
            sessions: [])
    }
}
