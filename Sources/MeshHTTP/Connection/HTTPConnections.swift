import MeshWire
import NIOCore
import Synchronization

/// The open connections of a front end, with the tasks that answer them. Guarded by one mutex.
final class HTTPConnections: Sendable {
    private struct Open {
        let channel: any Channel
        let task: Task<Void, Never>
    }

    private struct State {
        var isStopping = false
        var lastNumber = 0
        var reserved = 0
        var open: [Int: Open] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    /// Makes room for a connection, which ``start(_:on:_:_:)`` or ``end(_:)`` follows.
    func reserve(for peer: String) throws(MeshHTTPError) -> Int {
        try state.withLock { state throws(MeshHTTPError) in
            guard !state.isStopping else {
                throw MeshHTTPError(.stopping, "no new connections, the server is shutting down", peer: peer)
            }
            guard state.reserved < limit else {
                throw MeshHTTPError(
                    .tooManyConnections, "there are \(limit) connections, as many as are allowed", peer: peer)
            }
            state.reserved += 1
            state.lastNumber += 1
            return state.lastNumber
        }
    }

    /// Runs `body`, which answers the connection's requests, in a task that ``stop(within:_:)`` waits for.
    func start(
        _ number: Int, on channel: any Channel, _ runtime: any Runtime,
        _ body: @escaping @Sendable @concurrent () async -> Void
    ) {
        let isStopping = state.withLock { state in
            // Started under the lock: the task's end waits for it, and so comes after the entry is made.
            let task = runtime.spawn(on: runtime.taskExecutor) {
                await body()
                self.end(number)
            }
            state.open[number] = Open(channel: channel, task: task)
            return state.isStopping
        }
        // Stopping may have begun between the reservation and now: no request of this connection is answered.
        if isStopping { channel.close(promise: nil) }
    }

    /// Gives a connection's place back.
    func end(_ number: Int) {
        state.withLock { state in
            state.open[number] = nil
            state.reserved -= 1
        }
    }

    /// Lets requests that are under way finish within `timeout`, closes what is left, and waits for every task.
    func stop(within timeout: Duration, _ runtime: any Runtime) async {
        let open = state.withLock { state in
            state.isStopping = true
            return state.open.sorted { $0.key < $1.key }.map(\.value)
        }
        for connection in open { Self.quiesce(connection.channel) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for connection in open { await connection.task.value }
            }
            group.addTask {
                // Ends early, by cancellation, when the connections have.
                try? await runtime.sleep(for: timeout)
            }
            await group.next()
            group.cancelAll()
            for connection in open {
                connection.task.cancel()
                connection.channel.close(promise: nil)
            }
        }
    }

    /// Closes the channel now if it has no request, else after the answer.
    private static func quiesce(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}
