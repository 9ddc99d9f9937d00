/// How many bytes of large messages may be on their way while small messages share the connection with them: few enough
/// that a small one waits for a millisecond or two behind them, and as many as keep the path full.
///
/// The receiver's credit is no such bound: it is for the longest path, and on a short one all of it waits in the sockets.
/// So a sender that has sent a small message beside large ones marks with pings where it is in their bytes, and learns
/// from the answers what has arrived, how fast, and how long an answer takes. The window is what the path holds, the
/// product of the highest rate and the shortest time of an answer, as BBR takes it (Cardwell and others, ACM Queue
/// 14(5), 2016), and what leaves in half a millisecond, so that neither side runs dry between two turns of its loop.
/// Both are of the last ten seconds at most: every five, nothing leaves until everything has arrived, which shows the
/// path without what we put on it.
///
/// No clock: who has one calls ``advance(to:)`` after each flush. Without it the window stays as it is first.
struct FlightWindow {
    /// The window before anything was measured, in bytes.
    static let first = 512 << 10
    /// The smallest window, in bytes.
    static let least = 256 << 10
    /// The time that what waits behind the path may take.
    private static let slack = Duration.microseconds(500)
    /// The bytes of large messages after which a small one is forgotten.
    static let memoryBytes: UInt64 = 64 << 20
    /// Where the numbers of marks begin: far from what other pings carry.
    static let markNumbers: UInt64 = 1 << 63
    /// How long a measurement counts: once to twice as long.
    static let period = Duration.seconds(5)
    /// How much more than what was measured the path is taken to hold, so that the window finds out when it does.
    private static let gain = 1.25
    /// Far above what a receiver gives credit for.
    private static let most = 1 << 30

    /// A ping among the bytes.
    private struct Mark {
        /// What it carries.
        let number: UInt64
        /// The bytes that were sent before it.
        let position: UInt64
        /// What was known to have arrived when it was sent.
        let arrivedBefore: Arrival
        var sentAt: RuntimeInstant?
    }

    /// Bytes that have arrived.
    private struct Arrival {
        var position: UInt64 = 0
        /// When the mark behind them left, and when its answer came.
        var times: (sent: RuntimeInstant, answered: RuntimeInstant)?
    }

    /// The highest measurement of the current period and of the one before.
    private struct Highest {
        private var current: Double?
        private var previous: Double?

        var value: Double? { [current, previous].compactMap(\.self).max() }

        mutating func add(_ sample: Double) { current = max(current ?? sample, sample) }

        mutating func beginPeriod() { (previous, current) = (current ?? previous, nil) }
    }

    /// The window, in bytes.
    private(set) var bytes = first
    private var sent: UInt64 = 0
    private var arrived = Arrival()
    /// Up to where a small message is remembered.
    private var sharedUntil: UInt64 = 0
    /// True from the end of a period to the next answer, with which draining begins.
    private var isDrainDue = false
    /// True while everything is to arrive before more leaves.
    private var isDraining = false
    /// True while the answer to a ping that left by itself is waited for.
    private var isProbing = false
    /// The marks that have not been answered, oldest first.
    private var marks: [Mark] = []
    private var lastMark: (number: UInt64, position: UInt64) = (Self.markNumbers, 0)
    /// The last mark that has been answered and not been measured.
    private var answered: Mark?
    /// In bytes a second.
    private var rate = Highest()
    /// The answers that the path would give a second, one after the other.
    private var answers = Highest()
    private var periodEnd: RuntimeInstant?

    /// Whether small messages share the connection.
    private var isShared: Bool { sent < sharedUntil }
    private var inFlight: Int { Int(sent - arrived.position) }
    private var limit: Int { isDraining ? 0 : bytes }

    /// The bytes of large messages that may leave in a frame now: an eighth of the window at most, so that answers come
    /// while others leave.
    var allowance: Int { isShared ? min(max(0, limit - inFlight), bytes / 8) : .max }

    /// Whether ``advance(to:)`` has something to learn.
    var wantsTime: Bool { answered != nil || marks.last.map { $0.sentAt == nil } ?? false }

    /// A small message leaves while large ones wait.
    mutating func smallMessageLeaves() {
        // What is on its way has left without a bound, and may be more than the window is.
        if !isShared { isDraining = inFlight > bytes }
        sharedUntil = sent + Self.memoryBytes
    }

    /// Bytes of a large message leave.
    mutating func leave(_ count: Int) { sent += UInt64(count) }

    /// The ping that has to leave now, if one has to: behind so many bytes, behind the last that may leave, and by itself
    /// when everything has arrived that had to. To be asked when a message left and when a ping has been answered.
    mutating func nextMark() -> UInt64? {
        guard isShared else { return nil }
        let unmarked = Int(sent - lastMark.position)
        let isProbe = isDraining && inFlight == 0 && marks.isEmpty
        guard isProbe || unmarked >= bytes / 16 || unmarked > 0 && inFlight >= limit else { return nil }
        if isProbe { isProbing = true }
        lastMark = (lastMark.number + 1, sent)
        marks.append(Mark(number: lastMark.number, position: sent, arrivedBefore: arrived, sentAt: nil))
        return lastMark.number
    }

    /// A ping has been answered; false if it was no mark.
    mutating func answered(_ value: UInt64) -> Bool {
        guard let index = marks.firstIndex(where: { $0.number == value }) else { return false }
        answered = marks[index]
        arrived.position = marks[index].position
        marks.removeSubrange(...index)
        if isProbing { (isDraining, isProbing) = (false, false) }
        if isDrainDue { (isDraining, isDrainDue) = (true, false) }
        return true
    }

    /// Says what the time is, after a flush: when marks left, and when they were answered.
    mutating func advance(to now: RuntimeInstant) {
        if let mark = answered, let sentAt = mark.sentAt {
            measure(mark, sentAt, now)
            arrived.times = (sentAt, now)
        }
        answered = nil
        for index in marks.indices.reversed() {
            guard marks[index].sentAt == nil else { return }
            marks[index].sentAt = now
        }
    }

    private mutating func measure(_ mark: Mark, _ sentAt: RuntimeInstant, _ now: RuntimeInstant) {
        guard now > sentAt else { return }
        if now >= periodEnd ?? now {
            isDrainDue = periodEnd != nil || answers.value == nil
            periodEnd = now.advanced(by: Self.period)
            rate.beginPeriod()
            answers.beginPeriod()
        }
        let delivered = mark.position - mark.arrivedBefore.position
        if delivered == 0 {
            answers.add(1 / sentAt.seconds(to: now))
        } else if let before = mark.arrivedBefore.times {
            // Neither faster than they left, nor than they arrived.
            let seconds = max(before.sent.seconds(to: sentAt), before.answered.seconds(to: now))
            rate.add(Double(delivered) / seconds)
        }
        guard let rate = rate.value, let answers = answers.value else { return }
        let held = rate * (Self.gain / answers + Self.slack.inSeconds)
        bytes = max(Self.least, Int(min(held, Double(Self.most))))
    }
}

extension RuntimeInstant {
    fileprivate func seconds(to other: RuntimeInstant) -> Double { Double(nanoseconds(to: other)) / 1e9 }
}
