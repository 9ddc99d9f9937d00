import MeshWire

/// Whether one endpoint is left out because its calls fail: a circuit breaker.
///
/// ```text
///           enough failures               penalty is over              is given a call
/// closed ─────────────────────▶ open ─────────────────────▶ probation ─────────────────▶ probing
///    ▲                           ▲                                                          │
///    └───────────────────────────┴── the probe succeeds, or fails: a longer penalty ────────┘
/// ```
/// A state machine without a clock: time and chance are arguments.
struct FailureAccrual {
    enum State: Equatable {
        /// It takes calls.
        case closed
        /// It takes none until then.
        case open(until: RuntimeInstant)
        /// It takes one, to see how that goes.
        case probation
        /// It has that one.
        case probing
    }

    private var configuration: FailureAccrualConfiguration
    private(set) var state = State.closed
    /// Failures since the last success.
    private(set) var consecutive = 0
    /// How often in a row it was left out.
    private(set) var penalties = 0
    private var rate: SuccessWindow?

    init(_ configuration: FailureAccrualConfiguration) {
        self.configuration = configuration
        rate = configuration.successRate.map { SuccessWindow(length: $0.window) }
    }

    /// Goes by another configuration: what is known of the endpoint stays, and it is left out for no longer than the
    /// longest penalty.
    mutating func follow(_ new: FailureAccrualConfiguration, now: RuntimeInstant) {
        if new.successRate?.window != configuration.successRate?.window {
            rate = new.successRate.map { SuccessWindow(length: $0.window) }
        }
        configuration = new
        guard case .open(let until) = state else { return }
        state = .open(until: min(until, now.advanced(by: new.maximumPenalty * (1 + new.jitter))))
    }

    /// Whether it may be given a call.
    var takesCalls: Bool { state == .closed || state == .probation }

    /// It was given a call.
    mutating func began() {
        if state == .probation { state = .probing }
    }

    /// A call has ended.
    ///
    /// - Parameters:
    ///   - mayOpen: whether it may be left out: not if too many others are.
    ///   - chance: uniform in 0 ..< 1.
    mutating func ended(_ outcome: EndpointOutcome, mayOpen: Bool, now: RuntimeInstant, chance: Double) {
        switch state {
        case .closed: count(outcome, mayOpen: mayOpen, now, chance)
        // Calls from before do not decide about it.
        case .open, .probation: break
        case .probing:
            switch outcome {
            case .success: close()
            case .failure, .rateLimited: open(now, chance)
            case .unknown, .outrun: state = .probation
            }
        }
    }

    /// Its penalty is over.
    mutating func penaltyEnded() {
        if case .open = state { state = .probation }
    }

    private mutating func count(_ outcome: EndpointOutcome, mayOpen: Bool, _ now: RuntimeInstant, _ chance: Double) {
        switch outcome {
        case .unknown, .outrun: return
        case .success: consecutive = 0
        case .failure: consecutive += 1
        // It counts for the rate alone.
        case .rateLimited: break
        }
        rate?.count(isSuccess: outcome == .success, now)
        guard outcome != .success, mayOpen, isTripped(now) else { return }
        open(now, chance)
    }

    private mutating func isTripped(_ now: RuntimeInstant) -> Bool {
        if let limit = configuration.consecutiveFailures, consecutive >= limit { return true }
        guard let rule = configuration.successRate, let (successes, all) = rate?.counts(now),
            all >= rule.minimumRequests
        else { return false }
        return Double(successes) < rule.threshold * Double(all)
    }

    private mutating func open(_ now: RuntimeInstant, _ chance: Double) {
        let penalty =
            configuration.minimumPenalty.doubled(penalties, upTo: configuration.maximumPenalty)
            * (1 + configuration.jitter * chance)
        penalties += 1
        state = .open(until: now.advanced(by: penalty))
    }

    private mutating func close() {
        state = .closed
        (consecutive, penalties) = (0, 0)
        rate?.clear()
    }
}

/// How many of the calls of the last while succeeded: a ring of ten parts.
struct SuccessWindow {
    private static let parts = 10

    private let part: Int64
    private var counts = [(successes: Int, all: Int)](repeating: (0, 0), count: parts)
    /// The number of the newest part, since the clock's origin.
    private var newest: Int64 = .min

    init(length: Duration) { part = max(1, length.inNanoseconds / Int64(Self.parts)) }

    mutating func count(isSuccess: Bool, _ now: RuntimeInstant) {
        advance(to: now)
        let index = index(of: newest)
        counts[index].all += 1
        if isSuccess { counts[index].successes += 1 }
    }

    mutating func counts(_ now: RuntimeInstant) -> (successes: Int, all: Int) {
        advance(to: now)
        return counts.reduce((0, 0)) { ($0.0 + $1.successes, $0.1 + $1.all) }
    }

    mutating func clear() { counts = Array(repeating: (0, 0), count: Self.parts) }

    private mutating func advance(to now: RuntimeInstant) {
        let current = now.nanoseconds / part
        guard current > newest else { return }
        guard newest != .min, current - newest < Int64(Self.parts) else {
            clear()
            newest = current
            return
        }
        for number in newest + 1...current { counts[index(of: number)] = (0, 0) }
        newest = current
    }

    private func index(of number: Int64) -> Int {
        let index = Int(number % Int64(Self.parts))
        return index < 0 ? index + Self.parts : index
    }
}
