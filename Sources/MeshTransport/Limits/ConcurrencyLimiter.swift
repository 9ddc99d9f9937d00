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

    /// How many may run now.
    var current: Int { limit.load(ordering: .relaxed) }

    /// Whether another call may run; it counts until ``leave(from:to:)``.
    func enter() -> Bool {
        guard running.wrappingAdd(1, ordering: .relaxed).newValue <= current else {
            running.wrappingSubtract(1, ordering: .relaxed)
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
        let chance = Double(runtime.randomBits() >> 11) * 0x1p-53
        let moved = gradient.withLock { gradient in
            gradient?.ended(after: start.duration(to: now), inFlight: inFlight, now: now, chance: chance)
            return gradient?.limit
        }
        if let moved { limit.store(moved, ordering: .relaxed) }
    }
}
