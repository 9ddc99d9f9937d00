/// The processor time of short things that are done many times: what other processes do on its cores is not in it.
enum StepTimer {
    /// Nanoseconds for each of `steps` calls of `body`.
    static func nanoseconds(_ steps: Int, _ body: (Int) -> Void) -> Double {
        let start = ProcessReport.processorSeconds()
        for step in 0..<steps { body(step) }
        return (ProcessReport.processorSeconds() - start) * 1e9 / Double(steps)
    }
}
