import MeshWire
import Synchronization

/// Lets calls pass at a rate: the generic cell rate algorithm (ITU-T I.371, annex A), whose whole state is when the
/// next call would come if all came evenly. One atomic word, any thread's.
final class RateBucket: Sendable {
    /// The nanoseconds between two calls at the rate.
    private let interval: Int64
    /// How far ahead of that the calls may be.
    private let tolerance: Int64
    /// When the next call is due.
    private let due = Atomic<Int64>(.min)

    /// - Parameter rate: one that has been found to be in range.
    init(_ rate: Rate) {
        let interval = max(1, min(1e9 / rate.perSecond, 1e17))
        self.interval = Int64(interval)
        // Thirty years ahead are as good as any time.
        tolerance = Int64(min(interval * Double(rate.burst - 1), 1e18))
    }

    /// Takes a call, or says in how many nanoseconds there will be room for it.
    func take(now: RuntimeInstant) -> Int64? {
        let now = now.nanoseconds
        var known = due.load(ordering: .relaxed)
        while true {
            let start = max(known, now)
            guard start - now <= tolerance else { return start - now - tolerance }
            let (exchanged, original) = due.compareExchange(
                expected: known, desired: start + interval, ordering: .relaxed)
            if exchanged { return nil }
            known = original
        }
    }

    /// In how many nanoseconds there will be room for a call; 0 if there is now. Takes none.
    func wait(now: RuntimeInstant) -> Int64 {
        let start = max(due.load(ordering: .relaxed), now.nanoseconds)
        return max(0, start - now.nanoseconds - tolerance)
    }

    /// Gives back a call that was taken.
    func giveBack() { due.subtract(interval, ordering: .relaxed) }

    /// Whether it is as if no call had ever come.
    func isIdle(now: RuntimeInstant) -> Bool { due.load(ordering: .relaxed) <= now.nanoseconds }
}
