/// The steps of a worker with bounded staleness, and how far it may be ahead of the others. A state machine.
struct WorkerClock: Sendable {
    /// The steps that it may be ahead of the slowest; `nil` for a worker that does not tick.
    private(set) var limit: UInt64?
    /// The steps that were begun.
    private(set) var clock: UInt64 = 0
    /// Those that are under way.
    private var running: Set<UInt64> = []

    /// The steps up to which none is under way.
    var finished: UInt64 { (running.min() ?? clock + 1) - 1 }

    /// Ticks from now on, from `clock` on at least.
    mutating func join(at clock: UInt64, limit: UInt64) {
        self.clock = max(self.clock, clock)
        self.limit = limit
    }

    /// The clock of the step that leaves now; 0 for a worker that does not tick.
    mutating func next() -> UInt64 {
        guard limit != nil else { return 0 }
        clock += 1
        running.insert(clock)
        return clock
    }

    /// Takes down that a step is over, whatever became of it.
    mutating func finish(_ clock: UInt64) { running.remove(clock) }

    /// What a pull waits for; `nil` for nothing.
    func bound(of slot: Int) -> ClockBound? {
        guard let limit, clock > limit else { return nil }
        return ClockBound(slot: slot, least: clock - limit)
    }
}
