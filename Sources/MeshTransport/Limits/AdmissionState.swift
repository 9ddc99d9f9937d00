package import MeshWire

/// Which attempts at a destination are under way, which wait, and which are not to be made. A state machine without a
/// clock: time and chance are arguments.
///
/// Whoever drives it asks for ``next(now:)`` after each event that may have made room, until there is nobody.
package struct AdmissionState<Waiter: Sendable>: Sendable {
    package typealias Ticket = AdmissionQueue<Waiter>.Ticket

    /// What becomes of an attempt that asks for a place.
    package enum Arrival: Sendable {
        /// It has one, until ``ended(after:tellsTime:now:chance:)``.
        case admitted
        /// It waits. Who had to make room for it in the queue is not made.
        case waits(Ticket, evicting: (Waiter, CallPriority)?)
        case refused(AdmissionRefusal)
    }

    /// What becomes of one that has waited.
    package enum Turn: Sendable {
        /// It has its place.
        case admitted(Waiter, waited: Duration)
        /// It is not made.
        case refused(Waiter, CallPriority, AdmissionRefusal)
    }

    /// `nil` for any number of attempts.
    private(set) var rule: AdmissionRule?
    private var gradient: GradientLimit?
    /// How many attempts have a place.
    package private(set) var running = 0
    /// How many of them are calls of several messages, which a limit that follows latency does not count.
    private var streams = 0
    /// How many count.
    private var counted: Int { gradient == nil ? running : running - streams }
    private var queue = AdmissionQueue<Waiter>()
    /// How long a place is kept, whatever comes of the attempt: as fast does the queue move.
    private var hold = ServiceTime()

    package init(_ rule: AdmissionRule?) {
        self.rule = rule
        gradient = Self.gradient(rule)
    }

    private static func gradient(_ rule: AdmissionRule?) -> GradientLimit? {
        if case .gradient(let configuration)? = rule?.limit { GradientLimit(configuration) } else { nil }
    }

    /// How many may have a place now.
    package var limit: Int {
        if let gradient { return gradient.limit }
        if case .fixed(let count)? = rule?.limit { return count }
        return .max
    }

    /// How many wait.
    package var waiting: Int { queue.count }

    /// How many wait of a priority.
    func waiting(of priority: CallPriority) -> Int { queue.count(of: priority) }

    /// The deadline of those that wait that passes next.
    var nextDeadline: RuntimeInstant? { queue.nextDeadline }

    /// Whether calls of a kind count.
    func counts(_ kind: CallKind) -> Bool { gradient == nil || kind == .unary }

    /// How long a newcomer would wait, as far as that is known: places become free one after the other.
    ///
    /// - Returns: nanoseconds; 0 where there is a place, or nothing is known.
    func expectedWait(_ priority: CallPriority) -> Double {
        let limit = limit
        let before = queue.count(before: priority)
        if before == 0, counted < limit { return 0 }
        // What is over a limit that has shrunk is under way side by side, and the faster gone the more it is: after the
        // sum of 1/k holds, of which ln(x) ≤ (x − 1)/√x is a bound.
        let excess = Double(max(0, counted - limit)) / (Double(counted) * Double(limit)).squareRoot()
        return (hold.mean ?? 0) * (Double(before + 1) / Double(limit) + (excess.isFinite ? excess : 0))
    }

    /// An attempt asks for a place.
    ///
    /// - Parameters:
    ///   - waiter: who is told when it has waited.
    ///   - likely: how long such an attempt takes, in nanoseconds; 0 where that is not known.
    ///   - chance: uniform in 0 ..< 1.
    package mutating func arrive(
        _ waiter: @autoclosure () -> Waiter, _ priority: CallPriority, isStream: Bool = false, likely: Double,
        until deadline: RuntimeInstant, now: RuntimeInstant, chance: Double
    ) -> Arrival {
        if takeFree(isStream: isStream) { return .admitted }
        look(now, chance)
        if takeFree(isStream: isStream) { return .admitted }
        guard Double(now.nanoseconds(to: deadline)) > expectedWait(priority) + likely else {
            return .refused(.deadline)
        }
        var evicted: (Waiter, CallPriority)?
        if queue.count >= capacity {
            guard let last = queue.last, queue.priority(of: last).isBelow(priority) else { return .refused(.full) }
            let lower = queue.priority(of: last)
            evicted = (queue.remove(last), lower)
        }
        return .waits(queue.append(waiter(), priority, until: deadline, now: now), evicting: evicted)
    }

    /// Takes a place if one is free and nobody waits for it.
    mutating func takeFree(isStream: Bool = false) -> Bool {
        guard counted < limit, queue.count == 0 else { return false }
        running += 1
        if isStream { streams += 1 }
        return true
    }

    /// Looks whether the limit is to be measured anew, or has been for long enough: it may be another then.
    mutating func look(_ now: RuntimeInstant, _ chance: Double) { gradient?.look(now, chance) }

    /// An attempt that had a place has ended.
    ///
    /// - Parameters:
    ///   - time: how long it had it; `nil` for one that was not made after all.
    ///   - tellsTime: whether that is how long the server takes, or at least so long. What was refused, failed, or was
    ///     given up by its caller says nothing of that.
    ///   - chance: uniform in 0 ..< 1.
    package mutating func ended(
        after time: Int64?, tellsTime: Bool, isStream: Bool = false, now: RuntimeInstant, chance: Double
    ) {
        precondition(running > 0, "an attempt gave its place back twice")
        // One that was held for hours says nothing of when the next ones are free.
        if let time { hold.record(nanoseconds: hold.mean.map { min(time, Int64(min($0 * 8, 1e18))) } ?? time) }
        if tellsTime, let time {
            let inFlight = counted
            gradient?.ended(after: .nanoseconds(time), inFlight: inFlight, now: now, chance: chance)
        } else {
            look(now, chance)
        }
        running -= 1
        if isStream { streams -= 1 }
    }

    /// Who of those that wait has a place now, or is not to wait longer.
    ///
    /// - Parameters:
    ///   - likely: how long the attempt of a waiter takes on average, in nanoseconds; 0 where that is not known.
    ///   - isStream: whether a waiter's call has several messages.
    package mutating func next(
        now: RuntimeInstant, likely: (Waiter) -> Double, isStream: (Waiter) -> Bool = { _ in false }
    ) -> Turn? {
        // Less room than before, where a new rule has it.
        if queue.count > capacity, let last = queue.last { return refuse(last, .full) }
        guard let first = queue.first, let waiter = queue.waiter(of: first) else { return nil }
        let isStream = isStream(waiter)
        // One that began to wait under a limit that counts it is not held back by one that does not.
        guard counted < limit || gradient != nil && isStream else { return nil }
        guard Double(now.nanoseconds(to: queue.deadline(of: first))) > likely(waiter) else {
            return refuse(first, .deadline)
        }
        running += 1
        if isStream { streams += 1 }
        let since = queue.since(of: first)
        return .admitted(queue.remove(first), waited: since.duration(to: now))
    }

    private var capacity: Int { rule?.queue ?? .max }

    private mutating func refuse(_ ticket: Ticket, _ reason: AdmissionRefusal) -> Turn {
        let priority = queue.priority(of: ticket)
        return .refused(queue.remove(ticket), priority, reason)
    }

    /// Who waits although its deadline has passed.
    mutating func expired(now: RuntimeInstant) -> (Waiter, CallPriority)? {
        guard let earliest = queue.earliest, queue.deadline(of: earliest) <= now else { return nil }
        let priority = queue.priority(of: earliest)
        return (queue.remove(earliest), priority)
    }

    /// One that waits has given up.
    mutating func leave(_ ticket: Ticket) -> Waiter { queue.remove(ticket) }

    /// The priority of who waits with a ticket.
    func priority(of ticket: Ticket) -> CallPriority { queue.priority(of: ticket) }

    /// Who waits with a ticket.
    func waiter(of ticket: Ticket) -> Waiter? { queue.waiter(of: ticket) }

    /// Goes by another rule. What has a place keeps it, and who waits goes on waiting; what was found by latency is
    /// forgotten with what it was found by.
    mutating func follow(_ new: AdmissionRule?) {
        if new?.limit != rule?.limit { gradient = Self.gradient(new) }
        rule = new
    }
}

extension CallPriority {
    fileprivate func isBelow(_ other: CallPriority) -> Bool {
        switch (self, other) {
        case (.background, .urgent), (.background, .normal), (.normal, .urgent): true
        default: false
        }
    }
}
