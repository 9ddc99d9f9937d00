import MeshWire

/// What a simulated network does to connections between a client and an endpoint.
///
/// ```swift
/// var faults = NetworkFaults()
/// faults.toClient.truncation = 0.02
/// faults.toServer.delay = .zero ... .milliseconds(300)
/// runtime.setFaults(faults, from: "worker-1", to: .tcp(host: "server", port: 1_000))
/// ```
/// A connection is an ordered stream of bytes, as TCP's is: what arrives is never out of order, doubled or changed. So
/// messages of *calls* are doubled by ``SeededFaults``, and what overtakes each other is what different connections
/// carry, which ``Direction/delay`` causes. Every choice follows from the simulation's seed, and each is an event of its
/// trace. A share is that of *flushes*: what one side has written when it tells the network to send.
public struct NetworkFaults: Sendable, Hashable {
    /// What happens to the bytes of one direction.
    public struct Direction: Sendable, Hashable {
        /// What a flush takes beyond the network's latency. Whatever follows it on its connection waits behind it.
        public var delay: ClosedRange<Duration> = .zero ... .zero
        /// The share of flushes that are delayed, 0 to 1: few of them by much are pauses. Default all.
        public var delayShare = 1.0
        /// The share of flushes from which on bytes are lost: some of its first bytes arrive, and nothing that follows,
        /// the connection's end included. The other direction goes on.
        public var loss = 0.0
        /// How long after the first lost byte both sides find the connection reset, as when TCP gives up to send it
        /// again. Default `nil`: never, so that the connection stays half-open until somebody closes it.
        public var resetAfter: Duration?
        /// The share of flushes in which the connection ends: some of its first bytes arrive, and then both sides find
        /// the connection closed.
        public var truncation = 0.0
        /// Loses everything from the next flush on, and tells no end: the connection is half-open, for ever, also when
        /// the faults change later.
        public var isSilent = false
        /// How fast the receiving side takes bytes. Default as they come.
        public var readingPace: Pace?

        /// A direction without faults.
        public init() {}
    }

    /// A slow reader: it takes so many bytes at once, and then none for a while.
    public struct Pace: Sendable, Hashable {
        /// The most bytes that are taken in an interval, 1 or more.
        public var bytes: Int
        /// The interval, above zero.
        public var interval: Duration

        /// A pace of `bytes` every `interval`.
        public init(bytes: Int, every interval: Duration) {
            self.bytes = bytes
            self.interval = interval
        }
    }

    /// What clients send.
    public var toServer = Direction()
    /// What servers send.
    public var toClient = Direction()

    /// No faults.
    public init() {}

    /// The same faults in both directions.
    public init(both: Direction) {
        toServer = both
        toClient = both
    }

    /// Each property that is out of range, with what it must be.
    var problems: [String] {
        var problems: [String] = []
        for (name, direction) in [("toServer", toServer), ("toClient", toClient)] {
            for (share, value) in [
                ("delayShare", direction.delayShare), ("loss", direction.loss), ("truncation", direction.truncation),
                ("loss + truncation", direction.loss + direction.truncation),
            ] where !(0...1).contains(value) {
                problems.append("\(name).\(share) must be in 0...1, is \(value)")
            }
            if direction.delay.lowerBound < .zero {
                problems.append("\(name).delay must not be negative, is \(direction.delay)")
            }
            if let reset = direction.resetAfter, reset < .zero {
                problems.append("\(name).resetAfter must not be negative, is \(reset)")
            }
            if let pace = direction.readingPace, pace.bytes < 1 || pace.interval <= .zero {
                problems.append("\(name).readingPace must be of 1 byte or more and above zero, is \(pace)")
            }
        }
        return problems
    }
}

/// What happens to one flush of a direction.
enum FlushFate: Equatable {
    case deliver
    /// So many bytes arrive, and nothing after them.
    case lose(after: Int)
    /// So many bytes arrive, and then the connection ends.
    case truncate(after: Int)
}

extension NetworkFaults.Direction {
    /// The fate of a flush of `count` bytes, 1 or more. Draws chance only where there is a choice.
    func fate(of count: Int, _ generator: inout SplitMix64) -> FlushFate {
        if isSilent { return .lose(after: 0) }
        guard loss + truncation > 0 else { return .deliver }
        let chance = generator.nextUnit()
        guard chance < loss + truncation else { return .deliver }
        // A part of the flush and not so many bytes: certificates are longer in one run than in the next.
        let arriving = min(count - 1, Int(generator.nextUnit() * Double(count)))
        return chance < loss ? .lose(after: arriving) : .truncate(after: arriving)
    }

    /// What a flush takes beyond the latency. Draws chance only where there is a choice.
    func extraDelay(_ generator: inout SplitMix64) -> Duration {
        guard delay.upperBound > .zero, delayShare > 0 else { return .zero }
        guard delayShare >= 1 || generator.nextUnit() < delayShare else { return .zero }
        let span = (delay.upperBound - delay.lowerBound).inNanoseconds
        return delay.lowerBound + .nanoseconds(span > 0 ? Int64(generator.next() % UInt64(span)) : 0)
    }
}
