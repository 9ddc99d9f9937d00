import Identity
import MeshTransport
import MeshWire
import NIOCore
import NIOPosix
import NIOSSL

/// A connection of one side.
protocol OpenedConnection: Sendable {
    func close() async
}

/// Opens connections of one side.
protocol Connector: Sendable {
    /// Opens the connection number `index` and makes a call of 64 bytes on it.
    func connect(_ index: Int) async throws -> any OpenedConnection
}

extension Connector {
    /// Opens `count` connections, four at a time.
    func open(_ count: Int) async throws -> [any OpenedConnection] {
        let width = 4
        return try await withThrowingTaskGroup(of: [any OpenedConnection].self) { group in
            for lane in 0..<width {
                group.addTask {
                    var opened: [any OpenedConnection] = []
                    for index in stride(from: lane, to: count, by: width) { opened.append(try await connect(index)) }
                    return opened
                }
            }
            var all: [any OpenedConnection] = []
            for try await opened in group { all += opened }
            return all
        }
    }
}

/// Clients of a mesh: of one that has verified the server before, or each of a mesh of its own that has seen nobody.
struct MeshConnector: Connector {
    private let meshes: [Mesh]
    private let destination: Destination

    init(port: Int, as identity: StaticIdentitySource) throws { try self.init(port: port, as: [identity]) }

    init(port: Int, as identities: [StaticIdentitySource]) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        meshes = try identities.map { try MeshSide.clients(identity: $0, on: group) }
        destination = try MeshSide.destination(port: port)
    }

    func connect(_ index: Int) async throws -> any OpenedConnection {
        let client = meshes[index % meshes.count].client(destination)
        _ = try await client.call(BenchmarkService.echo, SmallMessage(bytes: [UInt8](repeating: 1, count: 64)))
        return MeshConnection(client: client)
    }

    private struct MeshConnection: OpenedConnection {
        let client: MeshClient

        func close() async { client.close() }
    }
}

/// Bare clients, of one certificate or each of its own.
struct BareConnector: Connector {
    private let contexts: [NIOSSLContext]
    private let port: Int
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init(port: Int, as identity: StaticIdentitySource) throws { try self.init(port: port, as: [identity]) }

    init(port: Int, as identities: [StaticIdentitySource]) throws {
        self.port = port
        contexts = try identities.map { try BarePeer.context($0.current, isServer: false) }
    }

    func connect(_ index: Int) async throws -> any OpenedConnection {
        let handler = BareEchoClientHandler()
        let channel = try await BarePeer.connect(
            port: port, with: contexts[index % contexts.count], on: group
        ) { try $0.addHandler(handler) }
        _ = try await handler.run(1, depth: 1, on: channel)
        return BareConnection(channel: channel)
    }

    private struct BareConnection: OpenedConnection {
        let channel: any Channel

        func close() async { try? await channel.close() }
    }
}
