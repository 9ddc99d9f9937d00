import MeshWire

/// How loaded one endpoint is, as a caller can know it: how long its answers take, how many of them fail, how many calls it
/// has not answered yet, and since when.
///
/// The latency is a moving average that knows peaks: one that is many times as high counts half at once, others by and
/// by, and what is known fades, so that a slow endpoint is tried again. Source: Finagle's `PeakEwma`, as Linkerd's
/// proxy has it, where every higher one counts in full: with times that vary as services' do, that takes good endpoints
/// for bad ones (`BalancingQualityTests`). Some things are known here besides:
/// - An endpoint that has not answered yet is asked, by one call, and until then is like the others of its destination. A
///   default latency, which theirs are far from, would keep it from all calls or draw all of them.
/// - An endpoint that holds calls and answers none has at least the latency of its silence. The moving average alone would
///   let one that hangs fade into the fastest.
/// - What is wanted is a success. One that takes `latency` and fails with probability `f` takes, with every failure costing
///   `failurePenalty`, `latency + f / (1 - f) * failurePenalty` until there is one.
struct EndpointLoad {
    /// The configuration as the arithmetic wants it, times in nanoseconds.
    struct Constants {
        let decay: Double
        let failurePenalty: Double
        let highestLatency: Double
        let longestRetryAfter: Duration
        /// 0 for none.
        let slowStart: Double
        let slowStartMinimum: Double

        init(_ configuration: BalancingConfiguration) {
            decay = Double(configuration.decay.inNanoseconds)
            failurePenalty = Double(configuration.failurePenalty.inNanoseconds)
            highestLatency = Double(configuration.rateLimitPenalty.inNanoseconds)
            longestRetryAfter = configuration.longestRetryAfter
            slowStart = Double(configuration.slowStart?.window.inNanoseconds ?? 0)
            slowStartMinimum = configuration.slowStart?.minimumShare ?? 1
        }
    }

    /// Below 0 before it has answered.
    private var latency = -1.0
    /// The share of calls that fail, averaged over the same time as the latency.
    private var failures = 0.0
    /// When the latency was last known; ahead of now while it is not to fade.
    private var updated: RuntimeInstant
    /// When an answer came last, or the first of the calls that wait was sent.
    private var progressed: RuntimeInstant
    /// When the endpoint began to take calls.
    private var joined: RuntimeInstant
    /// The calls that it has not answered.
    private(set) var pending: Int32 = 0
    /// Those of them whose answers are measured: a stream may be silent for as long as it likes.
    private var awaited: Int32 = 0

    /// What its answers took on average when that was last known; `nil` before the first.
    var averageLatency: Duration? { latency < 0 ? nil : .nanoseconds(Int64(latency)) }
    /// The share of calls that failed, on average, when that was last known.
    var failureShare: Double { failures }

    init(now: RuntimeInstant) {
        updated = now
        progressed = now
        joined = now
    }

    /// The endpoint takes calls again, after it could not: it warms up again, and nothing is known of it.
    mutating func rejoined(now: RuntimeInstant) {
        latency = -1
        failures = 0
        (updated, progressed, joined) = (now, now, now)
    }

    /// It was given a call.
    mutating func began(isTimed: Bool = true, now: RuntimeInstant) {
        pending += 1
        guard isTimed else { return }
        if awaited == 0 { progressed = now }
        awaited += 1
    }

    /// A call that it was given has ended after `elapsed`, if that says how long its answers take.
    mutating func ended(
        _ outcome: EndpointOutcome, after elapsed: Duration?, _ constants: Constants, now: RuntimeInstant
    ) {
        pending = max(0, pending - 1)
        if elapsed != nil { awaited = max(0, awaited - 1) }
        switch outcome {
        case .unknown:
            return
        case .outrun:
            // It takes at least as long; that its answer was not waited for says no more, and its silence goes on.
            guard let elapsed else { return }
            latency = max(latency, Double(max(0, elapsed.inNanoseconds)))
            updated = max(updated, now)
            return
        case .success:
            observe(elapsed.map { Double(max(0, $0.inNanoseconds)) }, failed: 0, constants, now)
        case .failure:
            observe(nil, failed: 1, constants, now)
        case .rateLimited(let retryAfter):
            observe(nil, failed: 0, constants, now)
            latency = constants.highestLatency
            // Until then it stays as unattractive as it is now.
            guard let retryAfter else { break }
            updated = max(updated, now.advanced(by: min(retryAfter, constants.longestRetryAfter)))
        }
        progressed = now
    }

    private mutating func observe(
        _ latest: Double?, failed: Double, _ constants: Constants, _ now: RuntimeInstant
    ) {
        let kept = fading(constants, now)
        failures = failures * kept + failed * (1 - kept)
        updated = max(updated, now)
        guard let latest else {
            // Nothing is known of the latency, and what was goes on fading.
            if latency > 0 { latency *= kept }
            return
        }
        guard latency >= 0 else {
            latency = latest
            return
        }
        let share = latest > 8 * latency ? 0.5 : max(1 - kept, 1.0 / 32)
        latency += (latest - latency) * share
    }

    /// How much of what is known still counts.
    private func fading(_ constants: Constants, _ now: RuntimeInstant) -> Double {
        ExponentialDecay.factor(Double(updated.nanoseconds(to: now)) / constants.decay)
    }

    /// What one more call costs here, in nanoseconds of expected wait: lower is better.
    ///
    /// - Parameter typical: the latency of an endpoint that has not answered yet.
    func latencyCost(_ constants: Constants, typical: Double, now: RuntimeInstant) -> Double {
        if latency < 0, pending == 0, failures == 0 { return 0 }
        let kept = fading(constants, now)
        var cost = latency < 0 ? typical : latency * kept
        if awaited > 0 { cost = max(cost, Double(progressed.nanoseconds(to: now))) }
        let failing = min(failures * kept, 0.999)
        cost += failing / (1 - failing) * constants.failurePenalty
        return min(cost, constants.highestLatency) * Double(pending + 1)
    }

    /// The share of the calls that it would get which it does get while it warms up; 1 when it is warm.
    func warmth(_ constants: Constants, now: RuntimeInstant) -> Double {
        let age = Double(joined.nanoseconds(to: now))
        guard age < constants.slowStart else { return 1 }
        return max(constants.slowStartMinimum, age / constants.slowStart)
    }
}
