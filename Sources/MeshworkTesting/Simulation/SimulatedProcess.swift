/// What runs on a simulated host for somebody who waits elsewhere.
protocol SimulatedProcess: AnyObject {
    /// Tells whoever waits that it will never end.
    func died(_ error: SimulatedHostDied)
}

/// A task on a simulated host, whose outcome, or death, is told once.
///
/// Sendable: used on the simulation's thread alone.
@safe final class HostProcess<Value: Sendable>: SimulatedProcess, @unchecked Sendable {
    var task: Task<Void, Never>?
    private var waiting: UnsafeContinuation<Value, any Error>?
    private var outcome: Result<Value, any Error>?

    /// Waits for the outcome.
    @unsafe
    func begin(_ continuation: UnsafeContinuation<Value, any Error>) {
        guard let outcome else { return unsafe waiting = continuation }
        unsafe continuation.resume(with: outcome)
    }

    func ended(_ outcome: Result<Value, any Error>) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        guard let continuation = unsafe waiting else { return }
        unsafe waiting = nil
        unsafe continuation.resume(with: outcome)
    }

    func died(_ error: SimulatedHostDied) { ended(.failure(error)) }

    /// Cancels the task.
    func cancel() { task?.cancel() }
}
