public import MeshWire
import Synchronization

/// Gives a client the session that its deduplicated calls carry.
///
/// The default is a random one for the client's life. A source that issues sessions in order, as the coordinator of a
/// training job does, lets servers refuse an earlier life of the same worker.
public protocol SessionSource: Sendable {
    /// The session of the calls that are made now. Throws when there is none; the call has then not been sent.
    func session() async throws(MeshError) -> SessionID
}

/// One random session.
struct RandomSession: SessionSource {
    private let id: SessionID

    init(_ runtime: any Runtime) { id = SessionID(high: runtime.randomBits(), low: runtime.randomBits()) }

    func session() async throws(MeshError) -> SessionID { id }
}

/// The numbers of a client's deduplicated calls in its session. Guarded by a mutex.
final class CallNumbers: Sendable {
    private struct State {
        var session: SessionID?
        var last: UInt64 = 0
        /// The calls that have not ended, in ascending order.
        var open: [UInt64] = []
    }

    private let state = Mutex(State())

    /// The next number in `session`, with how far the client holds all answers: a call that has failed for good counts,
    /// since nobody asks for it again.
    func begin(in session: SessionID) -> Deduplication {
        state.withLock { state in
            if state.session != session { state = State(session: session) }
            state.last += 1
            let acknowledged = (state.open.first ?? state.last) - 1
            state.open.append(state.last)
            return Deduplication(
                session: session,
                entries: [.init(scope: 0, sequence: state.last, acknowledgedThrough: acknowledged)])
        }
    }

    /// A call has ended, whatever its outcome.
    func end(_ call: Deduplication) {
        state.withLock { state in
            guard state.session == call.session, let number = call.entries.first?.sequence else { return }
            state.open.removeAll { $0 == number }
        }
    }
}
