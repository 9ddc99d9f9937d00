import MeshTransport
import MeshWire
import Synchronization

/// What interceptors, handlers and callers have noted, in order.
final class Notes: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    /// What was noted so far; it is forgotten.
    func take() -> [String] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }
}

/// Notes what it sees of a client's calls, and does there what a test wants.
struct ClientProbe: ClientInterceptor {
    static let nothing: @Sendable (inout ClientCall) throws -> Void = { _ in }

    var name = "probe"
    var notes = Notes()
    var onCall = nothing
    var onAttempt = nothing
    /// Is given every outcome.
    var onOutcome: @Sendable (CallOutcome) -> Void = { _ in }

    func willCall(_ call: inout ClientCall) throws -> CallObserver? {
        notes.add("\(name) call")
        try onCall(&call)
        return { outcome in
            notes.add("\(name) call \(outcome.status)")
            onOutcome(outcome)
        }
    }

    func willAttempt(_ call: inout ClientCall) throws -> CallObserver? {
        notes.add("\(name) attempt \(call.attempt)")
        try onAttempt(&call)
        return { outcome in
            notes.add("\(name) attempt \(outcome.status)")
            onOutcome(outcome)
        }
    }
}

/// The same on a server's side.
struct ServerProbe: ServerInterceptor {
    static let nothing: @Sendable (inout ServerCall) throws -> Void = { _ in }

    var name = "probe"
    var notes = Notes()
    var onArrival = nothing
    var onHandling = nothing
    var onOutcome: @Sendable (CallOutcome) -> Void = { _ in }

    func willAuthorize(_ call: inout ServerCall) throws -> CallObserver? {
        notes.add("\(name) authorize")
        try onArrival(&call)
        return { outcome in
            notes.add("\(name) \(outcome.status)")
            onOutcome(outcome)
        }
    }

    func willHandle(_ call: inout ServerCall) throws -> CallObserver? {
        notes.add("\(name) handle")
        try onHandling(&call)
        return nil
    }
}
