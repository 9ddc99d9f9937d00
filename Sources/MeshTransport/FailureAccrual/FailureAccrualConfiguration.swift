import MeshWire

/// When an endpoint is left out for a while because its calls fail (circuit breaking, outlier detection). Only endpoints
/// of a service, where there are others to call instead.
///
/// A call has failed if it was answered with `unknown`, `deadlineExceeded`, `permissionDenied`, `internalError`,
/// `unavailable` or `dataLoss`, or if its connection was lost or no answer came in time: Linkerd's list, and `unknown`,
/// which a handler of ours that throws answers with. For the success rate `resourceExhausted` is a failure, too.
public struct FailureAccrualConfiguration: Sendable, Hashable {
    /// Leaves an endpoint out whose share of successes is too low.
    public struct SuccessRate: Sendable, Hashable {
        /// The lowest share of successes, in 0 ... 1. Default 0.8, as Linkerd's.
        public var threshold = 0.8
        /// Over how long it is counted, in ten parts. Default 10 s, as Linkerd's.
        public var window: Duration = .seconds(10)
        /// The fewest calls in that time that say anything. Default 5, as Linkerd's.
        public var minimumRequests = 5

        /// Makes the defaults.
        public init() {}
    }

    /// How many failures in a row it takes; `nil` for any number. Default 7, as Linkerd's where it is asked for.
    public var consecutiveFailures: Int? = 7
    /// Whether the share of successes counts as well. Default no.
    public var successRate: SuccessRate?
    /// For how long an endpoint is left out first; twice as long each time that its probe fails. Default 1 s, as Linkerd's.
    public var minimumPenalty: Duration = .seconds(1)
    /// The longest time that it is left out. Default 60 s, as Linkerd's.
    public var maximumPenalty: Duration = .seconds(60)
    /// The share of each penalty that is random, on top of it. Default 0.5, as Linkerd's.
    public var jitter = 0.5
    /// The largest share of a service's endpoints that is left out at a time, in 0 ... 1, rounded down. Default 0.5: when
    /// more of them fail, the fault is not theirs, and those that are left would be overrun. (Linkerd has no such limit.)
    public var maximumEjectedShare = 0.5

    /// Makes the defaults.
    public init() {}

    /// What is out of range.
    var problems: [String] {
        var problems: [String] = []
        if let consecutiveFailures, consecutiveFailures < 1 {
            problems.append("consecutiveFailures must be at least 1, is \(consecutiveFailures)")
        }
        if let successRate {
            if !(0...1).contains(successRate.threshold) {
                problems.append("successRate.threshold must be in 0...1, is \(successRate.threshold)")
            }
            if successRate.window <= .zero {
                problems.append("successRate.window must be above zero, is \(successRate.window)")
            }
            if successRate.minimumRequests < 1 {
                problems.append("successRate.minimumRequests must be at least 1, is \(successRate.minimumRequests)")
            }
        }
        if minimumPenalty <= .zero { problems.append("minimumPenalty must be above zero, is \(minimumPenalty)") }
        if maximumPenalty < minimumPenalty {
            problems.append("maximumPenalty must be at least minimumPenalty, is \(maximumPenalty)")
        }
        for (name, share) in [("jitter", jitter), ("maximumEjectedShare", maximumEjectedShare)]
        where !(0...1).contains(share) {
            problems.append("\(name) must be in 0...1, is \(share)")
        }
        return problems
    }
}
