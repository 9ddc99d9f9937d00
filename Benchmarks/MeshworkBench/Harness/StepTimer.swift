/// Times short things that are done many times.
enum StepTimer {
    /// What is read before and after.
    enum Clock {
        /// What the process's threads have used: what other processes do on its cores is not in it.
        case processor
        /// The time of day, for work that several threads share. What other processes do is in it.
        case wall

        init(threads: Int) { self = threads == 1 ? .processor : .wall }
    }

    /// How many batches the steps are timed in, at most; as many as `Peers/tensor_peer.py` has.
    private static let batches = 9

    /// Nanoseconds of processor time for each of `steps` calls of `body`.
    static func nanoseconds<Failure>(
        _ steps: Int, _ body: (Int) throws(Failure) -> Void
    ) throws(Failure) -> Double {
        let start = ProcessReport.processorSeconds()
        for step in 0..<steps { try body(step) }
        return (ProcessReport.processorSeconds() - start) * 1e9 / Double(steps)
    }

    /// Nanoseconds for each of `steps` calls of `body` by a clock, after one that warms up: of the middle one of several
    /// batches by the processor's, of the best one by the wall's.
    static func nanoseconds<Failure>(
        _ steps: Int, by clock: Clock, _ body: () throws(Failure) -> Void
    ) throws(Failure) -> Double {
        try body()
        let batches = min(batches, steps)
        var times: [Double] = []
        for _ in 0..<batches {
            switch clock {
            case .processor:
                times.append(try nanoseconds(steps / batches) { _ throws(Failure) in try body() })
            case .wall:
                let start = ContinuousClock.now
                for _ in 0..<(steps / batches) { try body() }
                times.append((ContinuousClock.now - start) / .nanoseconds(1) / Double(steps / batches))
            }
        }
        return clock == .processor ? Statistics.median(times) : times.min() ?? .nan
    }
}
