import MeshWire

/// How many calls may run at a time.
public enum ConcurrencyLimit: Sendable, Hashable {
    /// This many.
    case fixed(Int)
    /// As many as latency allows.
    case gradient(GradientConfiguration)

    var problems: [String] {
        switch self {
        case .fixed(let limit): limit < 1 ? ["must be at least 1, is \(limit)"] : []
        case .gradient(let configuration): configuration.problems
        }
    }
}

/// Finds the limit by the gradient of latency, as Envoy's adaptive concurrency does: now and then only a few calls run at a
/// time, which shows how long a call takes that waits for no other; between that the limit follows the ratio of this to how
/// long calls take, and grows by its square root, so that there is always a small queue to tell from.
///
/// (Netflix's `Gradient2` compares with a long average instead. Under load that lasts, the average becomes as long as the
/// latency, and the limit goes to its most: in a simulation of ten workers, to any number.)
public struct GradientConfiguration: Sendable, Hashable {
    /// Where it begins, and the least that it becomes but while it measures. Default 3, as Envoy's; it doubles with every
    /// window.
    public var least = 3
    /// The most. Default 1,000.
    public var most = 1_000
    /// How many calls run at a time while it measures how long one takes. Default 3, as Envoy's.
    public var measuring = 3
    /// How many calls that takes. Default 50, as Envoy's.
    public var measurements = 50
    /// How long that may take; then it goes on with what it has. Default 5 s.
    public var measuringTime: Duration = .seconds(5)
    /// How often it measures; up to 15 % later, so that servers do not measure at once. Default 60 s, as Envoy's.
    public var interval: Duration = .seconds(60)
    /// How long it looks before it moves. Default 100 ms, as Envoy's.
    public var window: Duration = .milliseconds(100)
    /// How much longer calls may take than the measured ones before the limit shrinks. Default 0.25 times, as Envoy's.
    public var allowance = 0.25

    /// Makes the defaults.
    public init() {}

    /// The highest limit that there may be.
    public static let highest = 1_000_000_000

    var problems: [String] {
        var problems: [String] = []
        for (name, value) in [("measuring", measuring), ("measurements", measurements)] where value < 1 {
            problems.append("\(name) must be at least 1, is \(value)")
        }
        if !(1...Self.highest).contains(most) || !(1...max(1, most)).contains(least) {
            problems.append(
                "least must be in 1...most, and most in 1...\(Self.highest), are \(least) and \(most)")
        }
        for (name, duration) in [("measuringTime", measuringTime), ("interval", interval), ("window", window)]
        where duration <= .zero {
            problems.append("\(name) must be above zero, is \(duration)")
        }
        if !(allowance >= 0) { problems.append("allowance must not be negative, is \(allowance)") }
        return problems
    }
}

/// A limit that moves with latency. A value without a clock: time and chance are arguments.
struct GradientLimit: Sendable {
    /// The most samples of a window whose middle is looked for.
    private static let mostSamples = 256

    private let configuration: GradientConfiguration
    private var estimate: Double
    /// How long a call takes that waits for no other; `nil` until that was measured.
    private var base: Double?
    private var isMeasuring = true
    /// When it is to have measured; `nil` until the first call.
    private var measuringEnd: RuntimeInstant?
    private var nextMeasurement = RuntimeInstant(nanoseconds: .min)
    private var samples: [Double] = []
    private var windowEnd: RuntimeInstant?
    /// The most calls at a time in the window.
    private var reached = 0

    init(_ configuration: GradientConfiguration) {
        self.configuration = configuration
        estimate = Double(configuration.least)
    }

    /// How many calls may run.
    var limit: Int { isMeasuring ? min(configuration.measuring, Int(estimate)) : Int(estimate) }

    /// A call has ended that took `latency` and had `inFlight` beside it, itself included. What was refused, or given up by
    /// its caller, tells nothing of the server and is not given here.
    ///
    /// - Parameter chance: uniform in 0 ..< 1.
    mutating func ended(after latency: Duration, inFlight: Int, now: RuntimeInstant, chance: Double) {
        look(now, chance)
        // Calls that began before it measures tell of how it was before.
        if isMeasuring, inFlight > configuration.measuring { return }
        if samples.count < Self.mostSamples { samples.append(latency.inSeconds) }
        reached = max(reached, inFlight)
        if isMeasuring {
            if samples.count >= min(configuration.measurements, Self.mostSamples) { measured(now, chance) }
            return
        }
        guard let windowEnd else {
            self.windowEnd = now.advanced(by: configuration.window)
            return
        }
        guard now >= windowEnd else { return }
        move()
        beginWindow()
        if now >= nextMeasurement {
            isMeasuring = true
            measuringEnd = now.advanced(by: configuration.measuringTime)
        }
    }

    /// A call was refused, or one has ended: a server whose calls take long is not to be shut for as long as they do.
    mutating func look(_ now: RuntimeInstant, _ chance: Double) {
        guard isMeasuring else { return }
        let end = measuringEnd ?? now.advanced(by: configuration.measuringTime)
        measuringEnd = end
        if now >= end { measured(now, chance) }
    }

    private mutating func measured(_ now: RuntimeInstant, _ chance: Double) {
        base = middle ?? base
        isMeasuring = false
        measuringEnd = nil
        nextMeasurement = now.advanced(by: configuration.interval * (1 + 0.15 * chance))
        beginWindow()
    }

    private mutating func beginWindow() {
        samples.removeAll(keepingCapacity: true)
        windowEnd = nil
        reached = 0
    }

    private mutating func move() {
        guard let sample = middle, sample > 0 else { return }
        guard let base else {
            // Nothing could be measured in time: this is the next best.
            self.base = sample
            return
        }
        let gradient = max(0.5, min(2, base * (1 + configuration.allowance) / sample))
        let target = estimate * gradient
        let moved = target + target.squareRoot()
        // A limit that is not reached says nothing about whether it could be higher.
        if moved > estimate, Double(reached) < estimate / 2 { return }
        estimate = max(Double(configuration.least), min(Double(configuration.most), moved))
    }

    private var middle: Double? { samples.isEmpty ? nil : samples.sorted()[samples.count / 2] }
}
