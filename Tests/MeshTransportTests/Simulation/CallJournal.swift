import MeshTransport
import MeshWire
import Synchronization

/// Every call of a simulation as both sides saw it. Guarded by a mutex.
final class CallJournal: Sendable {
    /// What a call's method bears, and how it travels.
    enum Kind: String, Sendable, CaseIterable {
        case idempotent, once, deduplicated, streamed, bulk

        /// Whether it may be run by one server after another has perhaps run it.
        var bearsRepetition: Bool { self == .idempotent || self == .bulk || self == .streamed }
        /// Whether it is repeated whatever has become of an attempt: a stream is only until its first response.
        var isRepeated: Bool { self == .idempotent || self == .bulk }
    }

    struct Call: Sendable {
        let kind: Kind
        let service: Int
        let client: Int
        let begin: RuntimeInstant
        var end: RuntimeInstant?
        /// Which servers were given it, when, and whether they say that they have not run it.
        var runs: [(server: String, time: RuntimeInstant, isRefused: Bool)] = []
        var answer: String?
        var failure: (any Error)?

        var hasSucceeded: Bool { end != nil && failure == nil }
    }

    private let state = Mutex<[Call]>([])

    func begin(_ kind: Kind, service: Int, client: Int, now: RuntimeInstant) -> Int {
        state.withLock { calls in
            calls.append(Call(kind: kind, service: service, client: client, begin: now))
            return calls.count - 1
        }
    }

    func ran(_ number: Int, at server: String, isRefused: Bool, now: RuntimeInstant) {
        state.withLock { $0[number].runs.append((server, now, isRefused)) }
    }

    func ended(_ number: Int, _ answer: String, now: RuntimeInstant) {
        state.withLock { ($0[number].end, $0[number].answer) = (now, answer) }
    }

    func failed(_ number: Int, _ error: any Error, now: RuntimeInstant) {
        state.withLock { ($0[number].end, $0[number].failure) = (now, error) }
    }

    /// The calls so far, in the order in which they began.
    var calls: [Call] { state.withLock { $0 } }
}
