/// When a call that takes long is sent to a second server as well: the first success is the call's, and the other attempt is
/// withdrawn. For idempotent methods with one request and one response, of services of several servers; the second attempt
/// counts in the retry budget, and is not made where that is spent. (J. Dean, L. A. Barroso, "The tail at scale", 2013.)
///
/// A call is hedged once at most, beside its first attempt; the second one sends what the first does, as its interceptors have
/// left it (``ClientInterceptor/willAttempt(_:)`` is not asked again). It is not while a payload is so large that it goes on the connection for bulk, nor where
/// there is no other server that takes calls.
public struct HedgingConfiguration: Sendable, Hashable {
    /// The share of the method's answers that are faster than the wait for them before a second attempt: 0.95 hedges one call in
    /// twenty. Above 0 and below 1; default 0.95.
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

/// How long a method's answers take, by the last one to two thousand of them: a quantile to 9 %.
///
/// Buckets of an eighth of an octave in two generations, the older of which is thrown away when the newer one is full; the
/// quantile is looked for again with every 64th answer. No clock, no chance.
struct LatencyQuantile {
    private static let perGeneration = 1_000
    private static let between = 64

    private var newer = [UInt16](repeating: 0, count: 64 * 8)
    private var older: [UInt16] = []
    private var count = 0
    private var sinceLook = 0
    private var found: Int64?

    /// Nanoseconds that `percentile` of the answers took at most; `nil` while fewer than `samples` are known.
    func value(_ configuration: HedgingConfiguration) -> Int64? {
        count + (older.isEmpty ? 0 : Self.perGeneration) >= configuration.samples ? found : nil
    }

    /// An answer has come.
    mutating func record(nanoseconds: Int64, _ configuration: HedgingConfiguration) {
        newer[Self.bucket(nanoseconds)] += 1
        count += 1
        sinceLook += 1
        if sinceLook >= Self.between || found == nil && count >= configuration.samples {
            sinceLook = 0
            found = look(configuration.percentile)
        }
        guard count >= Self.perGeneration else { return }
        older = newer
        newer = [UInt16](repeating: 0, count: newer.count)
        count = 0
    }

    private func look(_ percentile: Double) -> Int64? {
        let all = count + (older.isEmpty ? 0 : Self.perGeneration)
        let wanted = (Double(all) * percentile).rounded(.up)
        var sum = 0
        for index in newer.indices {
            sum += Int(newer[index]) + (older.isEmpty ? 0 : Int(older[index]))
            if Double(sum) >= wanted { return Self.upperBound(of: index) }
        }
        return nil
    }

    /// Octaves by the leading bit, eighths by the three below it.
    private static func bucket(_ nanoseconds: Int64) -> Int {
        let value = UInt64(max(8, nanoseconds))
        let octave = 63 - value.leadingZeroBitCount
        return octave * 8 + Int(value >> UInt64(octave - 3) & 7)
    }

    private static func upperBound(of bucket: Int) -> Int64 {
        let (octave, eighth) = (bucket / 8, bucket % 8)
        guard octave >= 3, octave < 62 else { return octave < 3 ? 8 : .max }
        return Int64((9 + eighth)) << Int64(octave - 3)
    }
}
