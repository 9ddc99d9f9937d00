import MeshWire
import NIOCore
import Testing

@testable import MeshTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite(.timeLimit(.minutes(5))) struct SystemRuntimeTests {
    private let runtime = SystemRuntime.shared

    @Test("the clock goes forward, and sleeping takes as long as it should")
    func clock() async throws {
        let start = runtime.now
        try await runtime.sleep(for: .milliseconds(20))
        #expect(start.duration(to: runtime.now) >= .milliseconds(20))
        try await runtime.sleep(until: start)
    }

    @Test("the system looks after both ends of a connection, so that a host that vanishes is missed")
    func silence() async throws {
        let (accepted, didAccept) = AsyncStream.makeStream(of: (any Channel).self)
        let listener = try await runtime.network.listen(on: .tcp(host: "127.0.0.1", port: 0)) { channel in
            didAccept.yield(channel)
            return channel.eventLoop.makeSucceededVoidFuture()
        }.get()
        let port = try #require(listener.localAddress?.port)
        let outbound = try await runtime.network.connect(
            to: .tcp(host: "127.0.0.1", port: port), on: runtime.eventLoopGroup.next(), timeout: .seconds(60)
        ) { $0.eventLoop.makeSucceededVoidFuture() }.get()
        let inbound = try #require(await accepted.first { _ in true })
        for channel in [outbound, inbound] {
            #expect(try await channel.getOption(.socketOption(.so_keepalive)).get() == 1)
            #if os(Linux)
                let limit = NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT)
                #expect(try await channel.getOption(.tcpOption(limit)).get() == SystemNetwork.silence * 1_000)
            #endif
        }
        // One end's is the other's.
        try await outbound.close()
        try await listener.close()
    }

    @Test("a sleep for ever ends with its task")
    func forever() async {
        let isCancelled = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await runtime.sleep(until: RuntimeInstant(nanoseconds: .max))
                } catch { return error is CancellationError }
                return false
            }
            group.cancelAll()
            return await group.next()!
        }
        #expect(isCancelled)
    }

    @Test("a loop has one executor")
    func executors() {
        let loop = runtime.eventLoopGroup.next()
        #expect(runtime.loopExecutor(for: loop) === runtime.loopExecutor(for: loop))
    }
}
