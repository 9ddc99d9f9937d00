import Synchronization

/// How long a method's calls take. Any thread's: where two record at the same moment, one sample may be lost.
final class MethodServiceTime: Sendable {
    /// Nanoseconds, as bits; not a number until something was measured.
    private let mean = Atomic(Double.nan.bitPattern)
    private let deviation = Atomic(UInt64(0))

    /// What is known.
    var known: ServiceTime {
        ServiceTime(
            mean: Double(bitPattern: mean.load(ordering: .relaxed)),
            deviation: Double(bitPattern: deviation.load(ordering: .relaxed)))
    }

    /// Notes a sample.
    func record(nanoseconds: Int64) {
        var time = known
        time.record(nanoseconds: nanoseconds)
        mean.store((time.mean ?? .nan).bitPattern, ordering: .relaxed)
        deviation.store(time.deviation.bitPattern, ordering: .relaxed)
    }
}
