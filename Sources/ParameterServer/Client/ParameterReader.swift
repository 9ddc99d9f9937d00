public import Coordination
import MeshTransport
import MeshWire
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
    let coordination: CoordinationClient
    let configuration: ParameterClientConfiguration
    let clients: ServerClients

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

    /// The dense tables as they are now, in the order in which they were declared. Each partition is consistent in itself;
    /// while workers push, partitions are of different moments.
    ///
    /// - Parameter names: the tables to pull, whatever others there are; default all.
    /// - Throws: ``ParameterServerError`` with `unknownParameter` for a name that is not declared or that of a row table,
    ///   which is pulled by keys, `invalidDeclaration`
    ///   that names every table to pull whose declaration cannot be read, `coordination`, `callFailed` or what a server
    ///   answers.
    public func pull(_ names: [String]? = nil) async throws(ParameterServerError) -> NamedTensors {
        try await pull(names, in: try await map())
    }

    /// The tables as they are now, of a map that is known.
    func pull(_ names: [String]?, in map: PartitionMap) async throws(ParameterServerError) -> NamedTensors {
        let deadline = runtime.now.advanced(by: configuration.timeout)
        let routes = TableRoutes(coordination, clients, callBytes: configuration.callBytes)
        defer { routes.close() }
        try routes.install(map, named: names)
        if names != nil, let table = try routes.tables().tables.first(where: { $0.rows != nil }) {
            throw ParameterServerError(
                .unknownParameter, "table \(table.name) is of rows, which a client pulls by their keys")
        }
        return try await ParameterPull(routes: routes, deadline: deadline).run(minimums: [:]).parameters
    }

    /// Each partition's account of its pushes, asked of its server, in the order of partition numbers.
    ///
    /// - Throws: ``ParameterServerError`` with `coordination` or `callFailed`.
    public func accounts() async throws(ParameterServerError) -> [PartitionAccount] {
        let map = try await map()
        let servers = map.servers.filter { !map.partitions(headedBy: $0.name).isEmpty }
        let answers = await withTaskGroup(of: (Int, Result<AuditResponse, MeshError>).self) { group in
            for (index, server) in servers.enumerated() {
                let client = clients.client(of: server)
                let timeout = configuration.timeout
                group.addTask {
                    do throws(MeshError) {
                        return (
                            index,
                            .success(try await client.call(ParameterService.audit, EmptyMessage(), timeout: timeout))
                        )
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var answers: [Result<AuditResponse, MeshError>?] = Array(repeating: nil, count: servers.count)
            for await (index, answer) in group { answers[index] = answer }
            return answers.compactMap { $0 }
        }
        var accounts: [PartitionAccount] = []
        for answer in answers {
            do throws(MeshError) {
                accounts += try answer.get().accounts
            } catch {
                throw ParameterServerError(error)
            }
        }
        return accounts.sorted { $0.partition < $1.partition }
    }

    /// Closes the connections to the servers.
    public func close() { clients.close() }

    var runtime: any Runtime { coordination.mesh.runtime }

    func map() async throws(ParameterServerError) -> PartitionMap {
        do throws(CoordinationError) {
            return try await coordination.fetchMap()
        } catch {
            throw ParameterServerError(error)
        }
    }
}
