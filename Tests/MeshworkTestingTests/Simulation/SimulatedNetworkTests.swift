import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import Synchronization
import Testing

@Suite struct SimulatedNetworkTests {
    private static func mesh(_ path: String, _ authority: TestAuthority, _ runtime: SimulatedRuntime) throws -> Mesh {
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
        ])
        let mesh = try Mesh(identity: try authority.identity(path), policy: policy, runtime: runtime)
        mesh.serve(Counting.add) { number, _ in Number(number.value + 1) }
        return mesh
    }

    @Test("a port is listened on once")
    func portInUse() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let (first, second) = (try Self.mesh("/a", authority, runtime), try Self.mesh("/b", authority, runtime))
            let address = try await first.listen(host: "here", port: 0)
            await #expect { try await second.listen(host: "here", port: address.port) } throws: { error in
                (error as? MeshError)?.code == .listenFailed
            }
            try await second.listen(host: "there", port: address.port)
            await first.stop()
            await second.stop()
        }
    }

    @Test("a message takes a time within the latency that was asked for")
    func latency() async throws {
        let latency = Duration.milliseconds(10)...(.milliseconds(20))
        let times = try await SimulatedRuntime.run(seed: 1, latency: latency) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let server = try Self.mesh("/a", authority, runtime)
            let address = try await server.listen(host: "here", port: 0)
            let client = try Self.mesh("/b", authority, runtime).client(
                Destination(host: "here", port: address.port, identities: [.exact(try authority.id("/a"))]))
            _ = try await client.connection()
            var times: [Duration] = []
            for _ in 0..<50 {
                let start = runtime.now
                _ = try await client.call(Counting.add, Number(1))
                times.append(start.duration(to: runtime.now))
            }
            client.close()
            await server.stop()
            return times
        }
        #expect(times.allSatisfy { $0 >= .milliseconds(20) && $0 <= .milliseconds(41) })
        #expect(Set(times).count > 40)
    }

    @Test("a listener that is killed takes its connections with it, and another can take its place")
    func kill() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let first = try Self.mesh("/a", authority, runtime)
            let address = try await first.listen(host: "here", port: 0)
            let client = try Self.mesh("/b", authority, runtime).client(
                Destination(host: "here", port: address.port, identities: [.exact(try authority.id("/a"))]))
            #expect(try await client.call(Counting.add, Number(1)) == Number(2))
            runtime.kill(host: "here", port: address.port)
            try await runtime.sleep(for: .seconds(1))
            await #expect { try await client.call(Counting.add, Number(1)) } throws: { error in
                (error as? MeshError)?.code == .connectFailed && (error as? MeshError)?.progress == .notSent
            }
            let second = try Self.mesh("/a", authority, runtime)
            try await second.listen(host: "here", port: address.port)
            #expect(try await client.call(Counting.add, Number(2)) == Number(3))
            client.close()
            await first.stop()
            await second.stop()
        }
    }

    @Test("a connection that one end cannot be set up for is closed at both", arguments: ["client", "server"])
    func failedSetUp(failing: String) async throws {
        struct Refusal: Error {}
        let closed = Mutex<Set<String>>([])
        @Sendable func setUp(_ end: String) -> @Sendable (any Channel) -> EventLoopFuture<Void> {
            { channel in
                channel.closeFuture.whenComplete { _ in closed.withLock { _ = $0.insert(end) } }
                return channel.eventLoop.makeCompletedFuture { if end == failing { throw Refusal() } }
            }
        }
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let here = Endpoint.tcp(host: "here", port: 1)
            let listener = try await runtime.network.listen(on: here, initializer: setUp("server")).get()
            var isRefused = false
            do {
                _ = try await runtime.network.connect(
                    to: here, on: runtime.eventLoopGroup.next(), timeout: .seconds(1), initializer: setUp("client")
                ).get()
            } catch { isRefused = error is Refusal }
            // A kernel takes connections for a server that then cannot handle them.
            #expect(isRefused == (failing == "client"))
            try await runtime.sleep(for: .milliseconds(10))
            #expect(closed.withLock { $0 } == ["client", "server"])
            try await listener.close()
        }
    }

    @Test("a simulation may end with connections open and calls under way")
    func abandoned() async throws {
        for seed in 0..<10 as Range<UInt64> {
            try await SimulatedRuntime.run(seed: seed) { runtime in
                let authority = try TestAuthority(runtime: runtime)
                let server = try Self.mesh("/a", authority, runtime)
                let address = try await server.listen(host: "here", port: 0)
                let client = try Self.mesh("/b", authority, runtime).client(
                    Destination(host: "here", port: address.port, identities: [.exact(try authority.id("/a"))]))
                _ = try? await client.call(Counting.add, Number(1), timeout: .microseconds(Int64(seed) * 900))
            }
        }
    }

    @Test("a connection may be killed at any moment of its handshake", arguments: 0..<30 as Range<UInt64>)
    func killedWhileConnecting(seed: UInt64) async throws {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let server = try Self.mesh("/a", authority, runtime)
            let address = try await server.listen(host: "here", port: 0)
            let client = try Self.mesh("/b", authority, runtime).client(
                Destination(host: "here", port: address.port, identities: [.exact(try authority.id("/a"))]))
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    do throws(MeshError) {
                        _ = try await client.call(Counting.add, Number(1))
                    } catch {
                        #expect(error.code == .connectFailed || error.code == .connectionLost)
                    }
                }
                try? await runtime.sleep(for: .microseconds(Int64(seed) * 200))
                runtime.kill(host: "here", port: address.port)
            }
            client.close()
            await server.stop()
        }
    }

    @Test("a side that does not read holds its peer back, and gets everything when it reads on")
    func withheldRead() async throws {
        let reading = Reading()
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let here = Endpoint.tcp(host: "here", port: 1)
            _ = try await runtime.network.listen(on: here) { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(reading) }
            }.get()
            let client = try await runtime.network.connect(
                to: here, on: runtime.eventLoopGroup.next(), timeout: .seconds(1)
            ) { $0.eventLoop.makeSucceededVoidFuture() }.get()
            for _ in 0..<10 { client.writeAndFlush(ByteBuffer(repeating: 1, count: 10_000), promise: nil) }
            try await runtime.sleep(for: .seconds(1))
            #expect(reading.bytes == 10_000)
            #expect(!client.isWritable)
            reading.readOn()
            try await runtime.sleep(for: .seconds(1))
            #expect(reading.bytes == 100_000)
            #expect(client.isWritable)
            try await client.close()
        }
    }
}

/// Reads once, and again when it is told to.
///
/// Sendable: used on the simulation's thread alone.
private final class Reading: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never

    private(set) var bytes = 0
    private var context: ChannelHandlerContext?
    private var reads = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes += unwrapInboundIn(data).readableBytes }
    func read(context: ChannelHandlerContext) { if reads { context.read() } }

    func readOn() {
        reads = true
        context?.read()
    }
}
