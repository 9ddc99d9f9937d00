import MeshWire
import Synchronization

/// Counts the calls that run, and takes no more of them than there may be. Safe from any thread.
final class ConcurrencyLimiter: Sendable {
    private let running = Atomic(0)
    private let limit = Atomic(Int.max)
    private let counting = Atomic<Counting>(.nothing)
    private let state: Mutex<State>
    private let runtime: any Runtime

    private struct State {
        var limit: ConcurrencyLimit?
        var gradient: GradientLimit?
        /// Its own dice: the system's cost a system call, and each call that ends throws them.
        var generator: SplitMix64
    }

    /// Which calls count.
    private enum Counting: UInt8, AtomicRepresentable {
        case nothing, everything
        /// Not calls of several messages, as they last for as long as their callers like, which says nothing of the server.
        case unary
    }

    /// - Parameter limit: `nil` for any number.
    init(_ limit: ConcurrencyLimit?, _ runtime: any Runtime) {
        self.runtime = runtime
        state = Mutex(State(generator: SplitMix64(seed: runtime.randomBits())))
        follow(limit)
    }

    /// Goes by another limit. Calls that count already go on counting; what was found by latency is forgotten with what it
    /// was found by.
    func follow(_ new: ConcurrencyLimit?) {
        state.withLock { state in
            guard new != state.limit else { return }
            state.limit = new
            switch new {
            case nil:
                state.gradient = nil
                counting.store(.nothing, ordering: .relaxed)
            case .fixed(let count):
                state.gradient = nil
                limit.store(count, ordering: .relaxed)
                counting.store(.everything, ordering: .relaxed)
            case .gradient(let configuration):
                let gradient = GradientLimit(configuration)
                state.gradient = gradient
                limit.store(gradient.limit, ordering: .relaxed)
                counting.store(.unary, ordering: .relaxed)
            }
        }
    }

    /// How many run now.
    var count: Int { running.load(ordering: .relaxed) }

    /// How many may run now.
    var current: Int { limit.load(ordering: .relaxed) }

    /// Whether a call counts that begins now.
    func counts(_ kind: CallKind) -> Bool {
        switch counting.load(ordering: .relaxed) {
        case .nothing: false
        case .everything: true
        case .unary: kind == .unary
        }
    }

    private var isAdaptive: Bool { counting.load(ordering: .relaxed) == .unary }

    /// Whether another call may run; it counts until ``leave(from:to:)``.
    func enter() -> Bool {
        guard running.wrappingAdd(1, ordering: .relaxed).newValue <= current else {
            running.wrappingSubtract(1, ordering: .relaxed)
            if isAdaptive { move { $0.look(runtime.now, $1) } }
            return false
        }
        return true
    }

    /// A call that entered has ended.
    ///
    /// - Parameter start: when it began; `nil` if how long it took says nothing about the server.
    func leave(from start: RuntimeInstant?, to now: RuntimeInstant) {
        let inFlight = running.wrappingSubtract(1, ordering: .relaxed).oldValue
        guard isAdaptive, let start else { return }
        move { $0.ended(after: start.duration(to: now), inFlight: inFlight, now: now, chance: $1) }
    }

    /// Has the limit learn something, with a number in 0 ..< 1 by chance.
    private func move(_ body: (inout GradientLimit, Double) -> Void) {
        state.withLock { state in
            guard var gradient = state.gradient else { return }
            body(&gradient, state.generator.nextUnit())
            state.gradient = gradient
            limit.store(gradient.limit, ordering: .relaxed)
        }
    }
}
