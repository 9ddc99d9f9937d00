/// The steps that a worker has finished, and how far it may be ahead of the others. A state machine.
struct WorkerClock: Sendable {
    /// The steps that it may be ahead of the slowest; `nil` for a worker that does not tick.
    private(set) var limit: UInt64?
    private(set) var clock: UInt64 = 0

    /// Ticks from now on, from `clock` on at least.
    mutating func join(at clock: UInt64, limit: UInt64) {
        self.clock = max(self.clock, clock)
        self.limit = limit
    }

    /// The clock of the step that leaves now; 0 for a worker that does not tick.
    mutating func next() -> UInt64 {
        guard limit != nil else { return 0 }
        clock += 1
        return clock
    }

    /// What a pull waits for; `nil` for nothing.
    func bound(of slot: Int) -> ClockBound? {
        guard let limit, clock > limit else { return nil }
        return ClockBound(slot: slot, least: clock - limit)
    }
}
