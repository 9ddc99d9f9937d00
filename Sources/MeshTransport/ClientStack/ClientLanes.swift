import MeshWire
import NIOCore
import Synchronization

/// A client's connections to one server: one for small calls, and one for bulk on another event loop, with its own socket,
/// so that small calls wait behind large payloads neither there nor on the loop. The second is made when the first call
/// asks for it: a client that sends nothing large has one connection.
///
/// Guarded by a mutex.
final class ClientLanes: Sendable {
    /// The lane of small calls.
    let small: ConnectionKeeper
    private let core: ClientCore
    private let server: ServerAddress
    private let state = Mutex<(bulk: ConnectionKeeper?, isClosed: Bool, alternatives: [Endpoint])>((nil, false, []))

    /// - Parameter deadlines: of the small lane, on its loop.
    init(_ core: ClientCore, _ server: ServerAddress, executor: LoopExecutor, _ deadlines: DeadlineTimer) {
        self.core = core
        self.server = server
        small = ConnectionKeeper(core, server, executor: executor, deadlines)
    }

    /// Says where the server listens besides; for connections that are made later. On the loop of the small lane.
    func setAlternatives(_ places: [Endpoint]) {
        let bulk = state.withLock { state in
            state.alternatives = places
            return state.bulk
        }
        small.alternatives = places
        bulk?.executor.eventLoop.execute { bulk?.alternatives = places }
    }

    /// The lane that a call goes on.
    func lane(of request: CallRequest) -> ConnectionKeeper {
        request.isBulk ? bulk() : small
    }

    /// The lane beside `lane`, if there is one.
    func other(than lane: ConnectionKeeper) -> ConnectionKeeper? {
        lane === small ? state.withLock { $0.bulk } : small
    }

    /// Ends all connections; open calls fail, and later ones.
    func close() {
        end { $0.close() }
        guard let bulk = state.withLock({ $0.bulk }) else { return }
        // What it was told was lost on its way.
        bulk.executor.eventLoop.execute {
            bulk.deadlines.stop(MeshError(.draining, "the client is closed", peer: "\(self.server)"))
        }
    }

    /// Takes no more calls and closes when those that are open have been answered.
    func drain() { end { $0.drain() } }

    private func end(_ body: @escaping @Sendable (ConnectionKeeper) -> Void) {
        let bulk = state.withLock { state in
            state.isClosed = true
            return state.bulk
        }
        for lane in [small, bulk].compactMap(\.self) {
            let loop = lane.executor.eventLoop
            if loop.inEventLoop { body(lane) } else { loop.execute { body(lane) } }
        }
    }

    private func bulk() -> ConnectionKeeper {
        state.withLock { state in
            if let bulk = state.bulk { return bulk }
            // Closed as well: it says so to the call.
            guard !state.isClosed else { return small }
            let executor = core.runtime.loopExecutor(for: bulkLoop)
            let made = ConnectionKeeper(core, server, executor: executor, DeadlineTimer(executor, core.runtime))
            made.alternatives = state.alternatives
            state.bulk = made
            return made
        }
    }

    /// The loop after the small lane's, in the group's order: where small lanes are spread evenly, these are too. The
    /// same loop in a group of one.
    private var bulkLoop: any EventLoop {
        let own = small.executor.eventLoop
        let loops = Array(core.runtime.eventLoopGroup.makeIterator())
        guard let index = loops.firstIndex(where: { $0 === own }) else { return own }
        return loops[(index + 1) % loops.count]
    }
}

/// The lanes to one server that one call tries, in order: its own, and while no connection can be made for that, the
/// other one, if it has a connection. A server that takes only so many connections is called on the one that it has
/// taken.
struct LaneRoute {
    private let lanes: ClientLanes
    private let own: ConnectionKeeper
    /// The lane to try now.
    private(set) var lane: ConnectionKeeper
    /// What kept the call off its own lane.
    private var failure: MeshError?
    private var triedOwn = true

    init(_ lanes: ClientLanes, _ request: CallRequest, now: RuntimeInstant) {
        self.lanes = lanes
        own = lanes.lane(of: request)
        lane = own
        begin(now: now)
    }

    /// Whether ``lane`` is asked only for a connection that is there: the other one is not made for this call.
    var isDetour: Bool { lane !== own }

    /// Begins anew, for another attempt.
    mutating func begin(now: RuntimeInstant) {
        (lane, failure, triedOwn) = (own, nil, true)
        // Nobody waits again and again for a connection that has just been refused.
        guard own.isUnreachable(now: now), let other = lanes.other(than: own) else { return }
        (lane, triedOwn) = (other, false)
    }

    /// Whether there is another lane to try now, after `error`, with which the call was not run on this one.
    mutating func moves(after error: MeshError) -> Bool {
        if isDetour {
            guard !triedOwn else { return false }
            (lane, triedOwn) = (own, true)
            failure = error
            return true
        }
        guard failure == nil, error.code == .connectFailed, let other = lanes.other(than: own) else { return false }
        (lane, failure) = (other, error)
        return true
    }

    /// What to tell of a call that was run on no lane: why its own had no connection, rather than the other.
    func error(_ last: MeshError) -> MeshError { isDetour ? failure ?? last : last }
}
