import MeshWire
import Synchronization

/// When the next piece of a snapshot may leave, so that all together are no faster than they may be. Guarded by a mutex.
final class SeedingPace: Sendable {
    private let bytesPerSecond: Int
    private let next = Mutex(RuntimeInstant(nanoseconds: 0))

    init(bytesPerSecond: Int) { self.bytesPerSecond = bytesPerSecond }

    /// Takes the next place in the line for a piece of so many bytes; returns when it comes.
    func place(for bytes: Int, now: RuntimeInstant) -> RuntimeInstant {
        next.withLock { next in
            let place = max(next, now)
            next = place.advanced(by: .nanoseconds(Int64(Double(bytes) / Double(bytesPerSecond) * 1e9)))
            return place
        }
    }
}
