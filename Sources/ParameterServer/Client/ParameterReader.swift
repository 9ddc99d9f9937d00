public import Coordination
import Identity
import MeshTransport
import MeshWire
import Synchronization
public import Tensor

/// Reads the tables of a coordinator's map, and the accounts of their partitions. It pushes nothing and needs no
/// session.
///
/// ```swift
/// let reader = try ParameterReader(coordination)
/// try Safetensors.write(try await reader.pull(), to: path)
/// ```
/// Safe to use from any task.
public final class ParameterReader: Sendable {
    private let coordination: CoordinationClient
    let configuration: ParameterClientConfiguration
    private let clients: ServerClients
    private let seen = Mutex<[PartitionID: PartitionVersion]>([:])

    /// A reader of the tables that `coordination` knows.
    ///
    /// - Throws: ``ParameterServerError/Code/invalidConfiguration``.
    public init(
        _ coordination: CoordinationClient, configuration: ParameterClientConfiguration = ParameterClientConfiguration()
    ) throws(ParameterServerError) {
        try configuration.validate()
        self.coordination = coordination
        self.configuration = configuration
        clients = ServerClients(coordination.mesh)
    }

    /// The dense tables as they are now, in the order in which they were declared. Each partition is consistent in
    /// itself; while workers push, partitions are of different moments.
    ///
    /// No partition is older than what this reader has seen of it before, whatever server heads it.
    /// - Parameters:
    ///   - names: the tables to pull, whatever others there are; default all.
    ///   - versions: what partitions must have come to, as another process has told (``PushReport/versions``): waited
    ///     for, at most until the timeout.
    ///   - isolation: which state may be shown; default the newest.
    /// - Throws: ``ParameterServerError`` with `unknownParameter` for a name that is not declared or that of a row
    ///   table, which is pulled by keys, `invalidDeclaration` that names every table to pull whose declaration cannot
    ///   be read, `versionNotReached` or `unconfirmed` when the time is over, `coordination`, `callFailed` or what a
    ///   server answers.
    public func pull(
        _ names: [String]? = nil, atLeast versions: [PartitionID: PartitionVersion] = [:],
        isolation: ReadIsolation = .uncommitted
    ) async throws(ParameterServerError) -> NamedTensors {
        try await pull(names, in: try await map(), atLeast: versions, isolation: isolation)
    }

    /// The tables as they are now, of a map that is known.
    func pull(
        _ names: [String]?, in map: PartitionMap, atLeast versions: [PartitionID: PartitionVersion] = [:],
        isolation: ReadIsolation = .uncommitted
    ) async throws(ParameterServerError) -> NamedTensors {
        let routes = try routes(to: names, in: map)
        defer { routes.close() }
        if names != nil, let table = try routes.tables().tables.first(where: { $0.rows != nil }) {
            throw ParameterServerError(
                .unknownParameter, "table \(table.name) is of rows, which a client pulls by their keys")
        }
        let result = try await ParameterPull(routes: routes, deadline: deadline, isolation: isolation)
            .run(minimums: versions.merging(seenVersions) { max($0, $1) })
        saw(result.versions)
        return result.parameters
    }

    /// The latest version of each partition that a pull has shown: no later pull is older.
    public var seenVersions: [PartitionID: PartitionVersion] { seen.withLock { $0 } }

    /// Takes down what a pull has shown.
    func saw(_ versions: [PartitionID: PartitionVersion]) {
        seen.withLock { $0.merge(versions) { max($0, $1) } }
    }

    /// Where tables are now. Whoever asks closes it.
    func routes(to names: [String]?) async throws(ParameterServerError) -> TableRoutes {
        try routes(to: names, in: try await map())
    }

    private func routes(to names: [String]?, in map: PartitionMap) throws(ParameterServerError) -> TableRoutes {
        let routes = TableRoutes(coordination, clients, callBytes: configuration.callBytes)
        try routes.install(map, named: names)
        return routes
    }

    /// Each partition's account of its pushes, asked of its server, in the order of partition numbers.
    ///
    /// - Throws: ``ParameterServerError`` with `coordination` or `callFailed`.
    public func accounts() async throws(ParameterServerError) -> [PartitionAccount] {
        let map = try await map()
        let servers = map.servers.filter { !map.partitions(headedBy: $0.name).isEmpty }
        let answers = await servers.mapAllAtOnce {
            [self] server -> Result<[PartitionAccount], ParameterServerError> in
            do throws(ParameterServerError) {
                return .success(try await self.accounts(of: server))
            } catch {
                return .failure(error)
            }
        }
        var accounts: [PartitionAccount] = []
        for answer in answers { accounts += try answer.get() }
        return accounts.sorted { $0.partition < $1.partition }
    }

    /// The accounts of what a server heads, in one message or, if they are too many, in several.
    private func accounts(of server: ServerRecord) async throws(ParameterServerError) -> [PartitionAccount] {
        let client = clients.client(of: server)
        do throws(MeshError) {
            return try await client.call(ParameterService.audit, EmptyMessage(), timeout: configuration.timeout)
                .accounts
        } catch {
            guard error.status == .failedPrecondition else { throw ParameterServerError(error) }
        }
        do {
            return try await client.call(
                ParameterService.auditInParts, EmptyMessage(), timeout: configuration.timeout
            ) { parts in
                var accounts: [PartitionAccount] = []
                for try await part in parts { accounts += part.accounts }
                return accounts
            }
        } catch let error as MeshError {
            throw ParameterServerError(error)
        } catch {
            throw ParameterServerError(.callFailed, "\(error)", peer: server.identity.description, cause: error)
        }
    }

    /// Closes the connections to the servers.
    public func close() { clients.close() }

    var runtime: any Runtime { coordination.mesh.runtime }

    /// When a request that begins now has to be answered.
    var deadline: RuntimeInstant { runtime.now.advanced(by: configuration.timeout) }

    func map() async throws(ParameterServerError) -> PartitionMap {
        do throws(CoordinationError) {
            return try await coordination.fetchMap()
        } catch {
            throw ParameterServerError(error)
        }
    }
}
