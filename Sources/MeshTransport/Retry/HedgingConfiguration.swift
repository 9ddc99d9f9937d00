/// When a call that takes long is sent to a second server as well: the first success is the call's, and the other
/// attempt is withdrawn. For idempotent methods with one request and one response, of services of several servers; the
/// second attempt counts in the retry budget, and is not made where that is spent. (J. Dean, L. A. Barroso, "The tail
/// at scale", 2013.)
///
/// A call is hedged once at most, beside its first attempt; the second one sends what the first does, as its
/// interceptors have left it (``ClientInterceptor/willAttempt(_:)`` is not asked again). It is not while a payload is
/// so large that it goes on the connection for bulk, nor where there is no other server that takes calls.
public struct HedgingConfiguration: Sendable, Hashable {
    /// The share of the method's answers that are faster than the wait for them before a second attempt: 0.95 hedges
    /// one call in twenty. Above 0 and below 1; default 0.95.
    public var percentile = 0.95
    /// How many answers must have been seen, of about the last thousand, until the wait is known. Default 100.
    public var samples = 100
    /// The wait until it is known; `nil` to hedge nothing until then. Default `nil`.
    public var initialDelay: Duration?
    /// The shortest wait. Default 1 ms.
    public var minimumDelay: Duration = .milliseconds(1)

    /// Makes the defaults.
    public init() {}

    /// What is out of range.
    var problems: [String] {
        var problems: [String] = []
        if !(percentile > 0 && percentile < 1) {
            problems.append("percentile must be above 0 and below 1, is \(percentile)")
        }
        if !(1...1_000).contains(samples) { problems.append("samples must be in 1...1000, is \(samples)") }
        for (name, duration) in [("initialDelay", initialDelay ?? .seconds(1)), ("minimumDelay", minimumDelay)]
        where duration <= .zero {
            problems.append("\(name) must be above zero, is \(duration)")
        }
        return problems
    }
}
