import Identity
import NIOCore
import NIOPosix
import NIOSSL

/// 64 bytes there and back, counted and not looked at, one `writeAndFlush` a message: the least that a round trip
/// takes.
struct BareEchoClient: EchoClient {
    private let channel: any Channel
    private let handler = BareEchoClientHandler()

    /// Without an identity it calls in plain text.
    init(
        port: Int, as identity: IdentitySnapshot?,
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    ) async throws {
        channel = try await BarePeer.connect(
            port: port, with: try identity.map { try BarePeer.context($0, isServer: false) }, on: group
        ) { [handler] in try $0.addHandler(handler) }
    }

    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        try await handler.run(calls, depth: depth, on: channel)
    }
}

/// Connections of one event loop that make their shares of the calls at the same time, as callers do who share none.
struct BareEchoClients: EchoClient {
    /// How many there are.
    static let count = 64

    private let clients: [BareEchoClient]

    init(port: Int, as identity: IdentitySnapshot?) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var clients: [BareEchoClient] = []
        for _ in 0..<Self.count { clients.append(try await BareEchoClient(port: port, as: identity, on: group)) }
        self.clients = clients
    }

    /// `calls` and `depth` are multiples of the number of connections.
    func echo(_ calls: Int, depth: Int) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for client in clients {
                group.addTask { try await client.echo(calls / Self.count, depth: depth / Self.count) }
            }
            var latencies: [Double] = []
            for try await some in group { latencies += some }
            return latencies
        }
    }
}

/// Answers every 64 bytes with as many.
final class BareEchoServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    static let messageBytes = 64
    private let reply = ByteBuffer(repeating: 7, count: messageBytes)
    private var received = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        while received >= Self.messageBytes {
            received -= Self.messageBytes
            context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
        }
    }
}

/// Sends 64 bytes for each 64 that come back.
///
/// Sendable: touched on its event loop alone, which hands the results out.
final class BareEchoClientHandler: BareClientHandler, BareCaller, @unchecked Sendable {
    private let message = ByteBuffer(repeating: 1, count: BareEchoServerHandler.messageBytes)
    private var received = 0

    func begin(_ calls: BareCalls, depth: Int) {
        guard take(calls) else { return }
        for _ in 0..<depth { send() }
    }

    override func received(_ bytes: ByteBuffer) {
        received += bytes.readableBytes
        while received >= BareEchoServerHandler.messageBytes {
            received -= BareEchoServerHandler.messageBytes
            answered()
            send()
        }
    }

    private func send() {
        guard sends() else { return }
        context?.writeAndFlush(wrapOutboundOut(message), promise: nil)
    }
}
