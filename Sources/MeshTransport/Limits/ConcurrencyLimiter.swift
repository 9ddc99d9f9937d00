import MeshWire
import Synchronization

/// Counts the calls that run, and takes no more of them than there may be. Safe from any thread.
final class ConcurrencyLimiter: Sendable {
    private let running = Atomic(0)
    private let limit: Atomic<Int>
    private let isAdaptive: Bool
    private let gradient: Mutex<GradientLimit?>
    private let runtime: any Runtime

    init(_ limit: ConcurrencyLimit, _ runtime: any Runtime) {
        self.runtime = runtime
        switch limit {
        case .fixed(let count):
            self.limit = Atomic(count)
            isAdaptive = false
            gradient = Mutex(nil)
        case .gradient(let configuration):
            let state = GradientLimit(configuration)
            self.limit = Atomic(state.limit)
            isAdaptive = true
            gradient = Mutex(state)
        }
    }

    /// How many run now.
    var count: Int { running.load(ordering: .relaxed) }

    /// How many may run now.
    var current: Int { limit.load(ordering: .relaxed) }

    /// Whether another call may run; it counts until ``leave(from:to:)``.
    func enter() -> Bool {
        guard running.wrappingAdd(1, ordering: .relaxed).newValue <= current else {
            running.wrappingSubtract(1, ordering: .relaxed)
            if isAdaptive { move { $0.look(runtime.now, chance) } }
            return false
        }
        return true
    }

    /// Whether calls of several messages count: not where latency tells how many may run, as they last for as long as their
    /// callers like.
    var countsStreams: Bool { !isAdaptive }

    /// A call that entered has ended.
    ///
    /// - Parameter start: when it began; `nil` if how long it took says nothing about the server.
    func leave(from start: RuntimeInstant?, to now: RuntimeInstant) {
        let inFlight = running.wrappingSubtract(1, ordering: .relaxed).oldValue
        guard isAdaptive, let start else { return }
        let chance = chance
        move { $0.ended(after: start.duration(to: now), inFlight: inFlight, now: now, chance: chance) }
    }

    private var chance: Double { Double(runtime.randomBits() >> 11) * 0x1p-53 }

    private func move(_ body: (inout GradientLimit) -> Void) {
        let moved = gradient.withLock { gradient in
            guard var state = gradient else { return current }
            body(&state)
            gradient = state
            return state.limit
        }
        limit.store(moved, ordering: .relaxed)
    }
}
