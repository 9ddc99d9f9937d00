import MeshTransport
import MeshWire
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

/// The system's datagrams, over the loopback interface.
@Suite(.timeLimit(.minutes(1))) struct DatagramTests {
    /// Sends back what it gets, once from another port and then from its own.
    private final class Echo: ChannelInboundHandler, Sendable {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>
        let stranger: any Channel

        init(stranger: any Channel) { self.stranger = stranger }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let question = unwrapInboundIn(data)
            let forged = AddressedEnvelope(remoteAddress: question.remoteAddress, data: ByteBuffer(string: "forged"))
            let (echo, channel) = (question, context.channel)
            stranger.writeAndFlush(forged).whenComplete { _ in channel.writeAndFlush(echo, promise: nil) }
        }
    }

    private final class Reader: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let told = AsyncStream.makeStream(of: String.self)

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            told.continuation.yield(String(buffer: unwrapInboundIn(data)))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { told.continuation.yield("error") }
    }

    private func open(_ endpoint: Endpoint) async throws -> (any Channel, Reader) {
        let (runtime, reader) = (SystemRuntime.shared, Reader())
        let channel = try await runtime.network.openDatagrams(
            to: endpoint, on: runtime.eventLoopGroup.next()
        ) { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(reader) }
        }.get()
        return (channel, reader)
    }

    @Test("what another sender than the one that was asked sends does not arrive", arguments: ["127.0.0.1", "::1"])
    func strangers(host: String) async throws {
        let group = SystemRuntime.shared.eventLoopGroup
        let stranger = try await DatagramBootstrap(group: group).bind(host: host, port: 0).get()
        let server = try await DatagramBootstrap(group: group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Echo(stranger: stranger))
            }
        }.bind(host: host, port: 0).get()
        let (client, reader) = try await open(.tcp(host: host, port: try #require(server.localAddress?.port)))
        try await client.writeAndFlush(ByteBuffer(string: "hello"))
        var answers = reader.told.stream.makeAsyncIterator()
        #expect(await answers.next() == "hello")
        for channel in [client, server, stranger] { try await channel.close() }
    }

    @Test("where nobody listens, that is told")
    func refused() async throws {
        let free = try await DatagramBootstrap(group: SystemRuntime.shared.eventLoopGroup).bind(
            host: "127.0.0.1", port: 0
        )
        .get()
        let port = try #require(free.localAddress?.port)
        try await free.close()
        let (client, reader) = try await open(.tcp(host: "127.0.0.1", port: port))
        client.writeAndFlush(ByteBuffer(string: "hello"), promise: nil)
        var answers = reader.told.stream.makeAsyncIterator()
        #expect(await answers.next() == "error")
        try? await client.close()
    }

    @Test(
        "a name or a path is no place for datagrams",
        arguments: [.tcp(host: "localhost", port: 53), .unix(path: "/x")] as [Endpoint])
    func places(endpoint: Endpoint) async {
        await #expect(throws: (any Error).self) { try await open(endpoint) }
    }
}
