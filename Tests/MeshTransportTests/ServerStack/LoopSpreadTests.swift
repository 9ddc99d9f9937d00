import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

/// Which thread does what, on a group of several loops.
@Suite(.timeLimit(.minutes(5))) struct LoopSpreadTests {
    /// Says of each call which of the group's loops it was on.
    private final class Places: Sendable {
        private let seen = Mutex<[Int?]>([])
        let loops: [any EventLoop]

        init(_ group: any EventLoopGroup) { loops = Array(group.makeIterator()) }

        /// The number of the loop that runs the caller; `nil` on another thread.
        var current: Int? { loops.firstIndex { $0.inEventLoop } }

        func note() { seen.withLock { $0.append(current) } }

        func take() -> [Int?] {
            seen.withLock { seen in
                defer { seen = [] }
                return seen
            }
        }
    }

    /// A compute pool that a test recognises.
    private final class Pool: TaskExecutor {
        let loop: any EventLoop
        init(_ loop: any EventLoop) { self.loop = loop }
        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            // The job was handed to this executor and is run once.
            loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }

    @Test("connections spread over the loops on both sides, and handlers run where their method says")
    func spread() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
        let computing = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let runtime = SystemRuntime(eventLoopGroup: group, computeExecutor: Pool(computing.next()))
        let places = Places(group)
        let authority = try TestAuthority(runtime: runtime)
        let server = try Mesh(
            configuration: .patient, identity: authority.identity("/server"),
            policy: .everything(in: authority.trustDomain), runtime: runtime)
        server.serveInline(Echo.echo) { note, _ in
            places.note()
            return note
        }
        server.serve(Echo.once, execution: .onLoop) { note, _ in
            places.note()
            await Task.yield()
            // The same loop as before, also after it has waited.
            places.note()
            return note
        }
        let task = UnaryMethod<Note, Note>(service: Echo.name, method: "Task", retry: .never)
        let compute = UnaryMethod<Note, Note>(service: Echo.name, method: "Compute", retry: .never)
        server.serve(task) { note, _ in
            #expect(places.current == nil && !computing.next().inEventLoop)
            return note
        }
        server.serve(compute, execution: .compute) { note, _ in
            #expect(computing.next().inEventLoop)
            return note
        }
        let address = try await server.listen(host: "127.0.0.1", port: 0)
        let mesh = try Mesh(
            configuration: .patient, identity: authority.identity("/client"), policy: .denyAll, runtime: runtime)
        let destination = Destination(address.endpoint, identities: [.exact(try authority.id("/server"))])
        let clients = (0..<6).map { _ in mesh.client(destination) }
        // Six clients, two on each loop.
        for loop in places.loops {
            #expect(clients.filter { $0.executor.eventLoop === loop }.count == 2)
        }
        var accepted = Set<Int>()
        for client in clients {
            for _ in 0..<3 { _ = try await client.call(Echo.echo, Note("x")) }
            let inline = places.take()
            #expect(inline.count == 3 && Set(inline).count == 1)
            let loop = try #require(inline[0], "a handler ran on no loop of the group")
            accepted.insert(loop)
            for _ in 0..<3 { _ = try await client.call(Echo.once, Note("x")) }
            // The loop that reads the connection runs its handlers, and no other.
            #expect(places.take() == Array(repeating: loop, count: 6))
            _ = try await client.call(task, Note("x"))
            _ = try await client.call(compute, Note("x"))
        }
        #expect(accepted == [0, 1, 2])
        // A caller on its client's executor is on the client's loop, before the call and after it.
        let client = clients[4]
        try await withTaskExecutorPreference(client.executor) {
            #expect(client.executor.eventLoop.inEventLoop)
            _ = try await client.call(Echo.echo, Note("x"))
            #expect(client.executor.eventLoop.inEventLoop)
        }
        for client in clients { client.close() }
        await server.stop()
        try await group.shutdownGracefully()
        try await computing.shutdownGracefully()
    }
}
