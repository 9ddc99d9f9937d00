import Synchronization

/// How long a method's answers take. Guarded by a mutex, which only calls that may be hedged take.
final class MethodLatencies: Sendable {
    private let quantile = Mutex<LatencyQuantile?>(nil)

    func record(nanoseconds: Int64, _ configuration: HedgingConfiguration) {
        quantile.withLock { quantile in
            var known = quantile.take() ?? LatencyQuantile()
            known.record(nanoseconds: nanoseconds, configuration)
            quantile = known
        }
    }

    /// See ``LatencyQuantile/value(_:)``.
    func value(_ configuration: HedgingConfiguration) -> Int64? {
        quantile.withLock { $0?.value(configuration) }
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
