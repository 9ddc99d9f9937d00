public import MeshWire
import Synchronization

/// How much a ``MemoryDeduplicationStore`` remembers.
public struct DeduplicationConfiguration: Sendable, Hashable {
    /// The most calls. Default 65,536; beyond it calls are refused until some are acknowledged.
    public var calls = 65_536
    /// The most bytes of answers. Default 64 MiB; beyond it calls are refused until some are acknowledged.
    public var bytes = 64 << 20
    /// The most sessions. Default 65,536; beyond it calls of new ones are refused until others are over.
    public var sessions = 65_536
    /// The part of all that which one peer's sessions may take, above 0 and at most 1. Default 0.25.
    public var peerShare = 0.25
    /// The furthest that a call's deadline may be away, as its answer is kept until then; calls that wait longer are
    /// refused. Default 24 h.
    public var longestTimeout: Duration = .seconds(24 * 60 * 60)
    /// How long an answer is kept after its call's deadline, and a session after its last. Default 1 min.
    public var grace: Duration = .seconds(60)

    /// Makes the defaults.
    public init() {}

    /// Each property that is out of range, with what it must be.
    var problems: [String] {
        var problems: [String] = []
        for (name, value) in [("calls", calls), ("bytes", bytes), ("sessions", sessions)] where value < 1 {
            problems.append("\(name) must be at least 1, is \(value)")
        }
        for (name, value) in [("grace", grace), ("longestTimeout", longestTimeout)] where value <= .zero {
            problems.append("\(name) must be above zero, is \(value)")
        }
        if !(peerShare > 0 && peerShare <= 1) {
            problems.append("peerShare must be above 0 and at most 1, is \(peerShare)")
        }
        return problems
    }
}

/// Remembers in memory how deduplicated calls ended. Guarded by a mutex.
public final class MemoryDeduplicationStore: DeduplicationStore {
    private struct State {
        var ledger: DeduplicationLedger
        /// Copies of calls that are running.
        var waiting: [Place: [CheckedContinuation<DeduplicationVerdict, Never>]] = [:]
    }

    /// Where a copy waits: at the call that it is a copy of.
    private struct Place: Hashable {
        let call: DeduplicatedCall

        init(_ call: DeduplicatedCall) {
            var call = call
            // What may differ between copies.
            call.acknowledgedThrough = 0
            call.deadline = RuntimeInstant(nanoseconds: 0)
            self.call = call
        }
    }

    /// Set where several meshes of this process share the store.
    public let id: DeduplicationStoreID?
    private let runtime: any Runtime
    private let state: Mutex<State>

    /// Makes a store that remembers nothing yet.
    ///
    /// - Parameter id: for a store that several meshes of this process share, which tell their clients; a random one, as no
    ///   other process has it. Default `nil`: one mesh has it.
    public init(
        _ configuration: DeduplicationConfiguration = DeduplicationConfiguration(), id: DeduplicationStoreID? = nil,
        runtime: any Runtime
    ) {
        self.runtime = runtime
        self.id = id
        state = Mutex(State(ledger: DeduplicationLedger(configuration)))
    }

    /// A call has arrived.
    public func begin(_ call: DeduplicatedCall) async -> DeduplicationVerdict {
        await withCheckedContinuation { continuation in
            let verdict: DeduplicationVerdict? = state.withLock { state in
                switch state.ledger.begin(call, now: runtime.now) {
                case .run: return .run
                case .replay(let outcome): return .replay(outcome)
                case .refuse(let failure): return .refuse(failure)
                case .wait:
                    state.waiting[Place(call), default: []].append(continuation)
                    return nil
                }
            }
            if let verdict { continuation.resume(returning: verdict) }
        }
    }

    /// A call has ended.
    public func end(_ call: DeduplicatedCall, _ outcome: RememberedOutcome?) async {
        let waiting = state.withLock { state in
            state.ledger.end(call, outcome)
            return state.waiting.removeValue(forKey: Place(call)) ?? []
        }
        let verdict: DeduplicationVerdict =
            outcome.map { .replay($0) }
            ?? .refuse(CallFailure(.unavailable, "the first copy of the call has not run", hasNotRun: true))
        for copy in waiting { copy.resume(returning: verdict) }
    }
}
