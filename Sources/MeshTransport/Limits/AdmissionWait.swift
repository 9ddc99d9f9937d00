import MeshWire
import Synchronization

/// The wait of one attempt for its place; ends once.
///
/// Sendable: what changes is guarded by a mutex, but for ``ticket``, which its ``AdmissionControl`` touches under its
/// own, and ``position``, which the client's event loop alone touches.
final class AdmissionWait: @unchecked Sendable {
    /// How it ends.
    enum End: Sendable {
        case admitted(AdmissionPermit)
        case refused(AdmissionRefusal)
        /// There is nowhere to go.
        case failed(MeshError)
        /// The caller was.
        case cancelled
    }

    private enum State {
        case idle
        case waiting(CheckedContinuation<End, Never>)
        case ended(End)
    }

    let method: ClientMethod
    /// Its ticket in the queue, while it is there.
    var ticket: Int?
    /// Where its client's pool has it; -1 where it does not.
    var position = -1
    private let state = Mutex(State.idle)

    init(_ method: ClientMethod) { self.method = method }

    /// Whether it is over.
    var hasEnded: Bool { state.withLock { if case .ended = $0 { true } else { false } } }

    /// Resumes `continuation` at its end, or at once if that was before.
    func begin(_ continuation: CheckedContinuation<End, Never>) {
        let end: End? = state.withLock { state in
            if case .ended(let end) = state { return end }
            state = .waiting(continuation)
            return nil
        }
        if let end { continuation.resume(returning: end) }
    }

    /// Ends it. Called once, by who took it out of the queue.
    func finish(_ end: End) {
        let continuation: CheckedContinuation<End, Never>? = state.withLock { state in
            defer { state = .ended(end) }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume(returning: end)
    }
}
