import Coordination
import MeshTransport
import MeshWire
import Synchronization

/// The connections of a client to its servers, one each. Guarded by a mutex.
final class ServerClients: Sendable {
    private let mesh: Mesh
    private let clients = Mutex<[ServerRecord: MeshClient]>([:])

    init(_ mesh: Mesh) { self.mesh = mesh }

    var runtime: any Runtime { mesh.runtime }

    /// The client of a server's present life.
    func client(of server: ServerRecord) -> MeshClient {
        clients.withLock { clients in
            if let known = clients[server] { return known }
            let client = mesh.client(server.destination)
            clients[server] = client
            return client
        }
    }

    /// Closes the connections to lives of servers that are not among these.
    func keep(_ servers: [ServerRecord]) {
        let present = Set(servers)
        let gone = clients.withLock { clients in
            let gone = clients.filter { !present.contains($0.key) }
            for server in gone.keys { clients[server] = nil }
            return gone.sorted { ($0.key.name, $0.key.life) < ($1.key.name, $1.key.life) }
        }
        for (_, client) in gone { client.close() }
    }

    /// Closes all connections, in the order of the servers' names.
    func close() {
        let all = clients.withLock { clients in
            defer { clients = [:] }
            return clients.sorted { ($0.key.name, $0.key.life) < ($1.key.name, $1.key.life) }
        }
        for (_, client) in all { client.close() }
    }
}
