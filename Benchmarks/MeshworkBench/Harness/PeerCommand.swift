import ArgumentParser
import Foundation
import Identity
import MeshGRPC
import MeshTransport
import NIOCore

/// A process of a case.
struct PeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "A process of a case; started by the cases.", shouldDisplay: false)

    @Argument var role: String

    @Option(help: "The port that a client connects to.")
    var serverPort: Int?

    @Option(help: "What a process of the cases chaos and failover is told.")
    var configuration: String?

    func run() async throws {
        DescriptorLimit.raise()
        let identity = try PeerCredentials.fromStandardInput().identity()
        switch role {
        case "bare-echo":
            try await serve(try await BarePeer.serve(as: identity.current) { BareEchoServerHandler() })
        case "bare-frames":
            try await serve(try await BarePeer.serve(as: identity.current) { BareFrameServerHandler() })
        case "bare-sink":
            try await serve(try await BarePeer.serve(as: identity.current) { BareSinkServerHandler() })
        case "bare-source":
            try await serve(try await BarePeer.serve(as: identity.current) { BareSourceServerHandler() })
        case "http2":
            try await serve(try await HTTP2Peer.serve(as: identity.current, joinsRecords: false))
        case "http2-joined":
            try await serve(try await HTTP2Peer.serve(as: identity.current, joinsRecords: true))
        case "plain-echo":
            try await serve(try await BarePeer.serve(as: nil) { BareEchoServerHandler() })
        case "plain-sink":
            try await serve(try await BarePeer.serve(as: nil) { BareSinkServerHandler() })
        case "plain-http2":
            try await serve(try await HTTP2Peer.serve(as: nil, joinsRecords: false))
        case "mesh", "mesh-on-two-loops":
            let mesh = try MeshSide.server(identity: identity, loops: role == "mesh" ? 1 : 2)
            let port = try await mesh.listen(host: "127.0.0.1", port: 0).port
            try await Self.converse(port)
            await mesh.stop()
        case "grpc-swift":
            try await GRPCSwiftPeer.serve(as: identity.current) { port in try await Self.converse(port) }
        case "training-worker":
            let worker = try await TrainingWorker(port: port(), identity: identity)
            try await Self.converse(0, train: worker.train)
        case "bare-echo-client":
            try await Self.converse(0, echo: try await BareEchoClient(port: port(), as: identity.current))
        case "bare-sink-client":
            try await Self.converse(0, transfer: try await BareSinkClient(port: port(), as: identity.current))
        case "plain-echo-client":
            try await Self.converse(0, echo: try await BareEchoClient(port: port(), as: nil))
        case "plain-echo-clients":
            try await Self.converse(0, echo: try await BareEchoClients(port: port(), as: nil))
        case "plain-sink-client":
            try await Self.converse(0, transfer: try await BareSinkClient(port: port(), as: nil))
        case "plain-http2-client":
            let client = try await HTTP2Client(port: port(), as: nil, joinsRecords: false)
            try await Self.converse(0, echo: client, transfer: client)
        case "mesh-client":
            let caller = MeshCaller(try MeshSide.client(port: port(), identity: identity), isOnExecutor: true)
            try await Self.converse(0, echo: caller, transfer: caller)
        case "grpc-client":
            let caller = MeshCaller(
                try MeshSide.client(port: port(), identity: identity, overGRPC: true), isOnExecutor: true)
            try await Self.converse(0, echo: caller, transfer: caller)
        case "mesh-client-of-one-endpoint":
            let clients = try TaxStep.tracing.clients(port: port(), identity: identity, endpoints: 1)
            try await Self.converse(0, echo: SpreadCaller(clients: clients))
        case "http2-client":
            try await Self.converse(
                0, echo: try await HTTP2Client(port: port(), as: identity.current, joinsRecords: false))
        case "mesh-clients":
            let (mesh, server) = (try MeshSide.clients(identity: identity), try MeshSide.destination(port: port()))
            let callers = MeshCallers((0..<MeshCallers.count).map { _ in mesh.client(server) })
            try await Self.converse(0, echo: callers, transfer: callers)
        default:
            if let side = ParameterSide(role, leader: serverPort) {
                try await side.serve(identity: identity) { port in try await Self.converse(port) }
            } else if let configuration {
                try await ChaosRoles.run(role, configuration, as: identity, Self.commands()) { try Self.answer($0) }
            } else if let (proxy, side) = SidecarProxy.of(role) {
                try await ProxyProcess.with(proxy, side, as: identity.current, to: port()) { child in
                    try await Self.converse(child.port, report: child.report)
                }
            } else if let (step, isServer) = TaxStep.of(role) {
                try await pay(step, isServer, identity)
            } else {
                throw ValidationError("there is no role \"\(role)\"")
            }
        }
    }

    /// A side of the case `mesh-tax`.
    private func pay(_ step: TaxStep, _ isServer: Bool, _ identity: any IdentitySource) async throws {
        guard isServer else {
            let clients = try step.clients(port: port(), identity: identity)
            return try await Self.converse(
                0, echo: SpreadCaller(clients: clients), transfer: MeshCaller(clients[0], isOnExecutor: true))
        }
        let mesh = try step.server(identity: identity)
        try await Self.converse(try await mesh.listen(host: "0.0.0.0", port: 0).port)
        await mesh.stop()
    }

    private func port() throws -> Int {
        guard let serverPort else { throw ValidationError("a client needs --server-port") }
        return serverPort
    }

    private func serve(_ listener: any Channel) async throws {
        guard let port = listener.localAddress?.port else {
            throw BenchmarkFailure("the \(role) server has no port")
        }
        try await Self.converse(port)
        try await listener.close()
    }

    /// Says the port and does what the parent asks for, until it closes the pipe because it is done or dead.
    private static func converse(
        _ port: Int, echo: (any EchoClient)? = nil, transfer: (any TransferClient)? = nil,
        train: ((Int) async throws -> Void)? = nil,
        report: () throws -> ProcessReport = ProcessReport.current
    ) async throws {
        try answer(port)
        for await line in commands() {
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { Int($0) }
            switch (words.first, numbers.count) {
            case ("report", 0): try answer(try report())
            case ("echo", 2): try answer(try await echo?.echo(numbers[0], depth: numbers[1]) ?? [])
            case ("load", 2): try answer(try await LoadReport.of(echo, numbers[0], depth: numbers[1]))
            case ("train", 1):
                try await train?(numbers[0])
                try answer([Double]())
            case ("send", 3):
                try await transfer?.send(numbers[0], count: numbers[1], depth: numbers[2])
                try answer([Double]())
            default: throw BenchmarkFailure("nobody knows what \"\(line)\" asks for")
            }
        }
    }

    private static func answer(_ answer: some Encodable) throws {
        // Throws where nobody reads it any more, which must not end a process that has others to end.
        try FileHandle.standardOutput.write(contentsOf: try JSONEncoder().encode(answer) + Data("\n".utf8))
    }

    /// The lines of standard input, read on a thread of its own: one of the pool's must not wait for them.
    private static func commands() -> AsyncStream<String> {
        AsyncStream { lines in
            Thread.detachNewThread {
                while let line = readLine() { lines.yield(line) }
                lines.finish()
            }
        }
    }
}
