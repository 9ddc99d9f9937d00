import MeshWire

/// Decides whether a call is attempted again, and when. A state machine without a clock: time and chance are
/// arguments.
struct RetryState {
    enum Decision: Equatable {
        case retry(at: RuntimeInstant)
        case giveUp
    }

    private let safety: RetrySafety
    private let configuration: RetryConfiguration
    private let deadline: RuntimeInstant
    /// The attempts that have been made, the running one included.
    private(set) var attempts = 1
    /// Why the last failure is not followed by another attempt, if it is not.
    private(set) var refusal: RetryRefusal?

    init(_ safety: RetrySafety, _ configuration: RetryConfiguration, deadline: RuntimeInstant) {
        self.safety = safety
        self.configuration = configuration
        self.deadline = deadline
    }

    /// When an attempt that starts at `now` counts as lost.
    func attemptDeadline(from now: RuntimeInstant) -> RuntimeInstant {
        guard safety != .never, configuration.maximumAttempts > 1 else { return deadline }
        return min(deadline, now.advanced(by: configuration.attemptTimeout))
    }

    /// What follows a failed attempt.
    ///
    /// - Parameters:
    ///   - chance: uniform in 0 ..< 1.
    ///   - pushback: what the server says about it, which takes the place of the configured wait.
    mutating func failed(
        _ failure: AttemptFailure, at now: RuntimeInstant, chance: Double, _ pushback: RetryPushback? = nil
    ) -> Decision {
        guard mayRepeat(after: failure) else { return giveUp(failure == .final ? .final : .mayHaveRun) }
        guard attempts < configuration.maximumAttempts else { return giveUp(.attempts) }
        let wait: Duration
        switch pushback {
        case .never: return giveUp(.pushback)
        case .after(let time): wait = time
        case nil: wait = backoff(chance: chance)
        }
        let next = now.advanced(by: wait)
        guard next < deadline else { return giveUp(.deadline) }
        attempts += 1
        return .retry(at: next)
    }

    private mutating func giveUp(_ reason: RetryRefusal) -> Decision {
        refusal = reason
        return .giveUp
    }

    private func mayRepeat(after failure: AttemptFailure) -> Bool {
        switch failure {
        case .notRun: true
        case .mayHaveRun: safety != .never
        case .final: false
        }
    }

    private func backoff(chance: Double) -> Duration {
        configuration.backoffBase.doubled(attempts - 1, upTo: configuration.backoffLimit)
            * (1 - configuration.jitter * chance)
    }
}

/// What a failed attempt means for the next one.
enum AttemptFailure: Equatable {
    /// The server has certainly not run the call: any method may try again.
    case notRun
    /// The server may have run it: only methods that bear repetition try again.
    case mayHaveRun
    /// Trying again would end the same way.
    case final
}
