import MeshWire

/// A token bucket: admits a number of joins per second in the long run, and some more after a quiet time.
struct JoinRate {
    private let perSecond: Double
    private let burst: Double
    private var available: Double
    private var last: RuntimeInstant?

    init(perSecond: Double, burst: Double) {
        self.perSecond = perSecond
        self.burst = burst
        available = burst
    }

    /// Takes one from the bucket, if it holds one at `now`.
    mutating func admit(at now: RuntimeInstant) -> Bool {
        if let last {
            available = min(burst, available + max(0, last.duration(to: now).inSeconds) * perSecond)
        }
        last = now
        guard available >= 1 else { return false }
        available -= 1
        return true
    }
}
