/// Which traces are recorded: a share of those that begin here, and of the others what their parent decided.
///
/// The decision is a function of the trace's identifier, so that every process with the same ratio decides alike, and no
/// generator is needed: W3C's level 2 has the last seven bytes random.
public struct TraceSampler: Sendable, Hashable {
    /// The share of traces that are recorded, from 0 to 1.
    public let ratio: Double
    private let threshold: UInt64

    /// Records everything.
    public static let always = TraceSampler(ratio: 1)
    /// Records nothing that begins here.
    public static let never = TraceSampler(ratio: 0)

    /// - Parameter ratio: from 0 to 1; what is outside counts as the nearer of them, what is no number as 0.
    public init(ratio: Double) {
        let ratio = ratio.isNaN ? 0 : min(max(ratio, 0), 1)
        self.ratio = ratio
        threshold = UInt64((ratio * 0x1p56).rounded())
    }

    /// Whether a trace that begins here is recorded.
    public func samples(root traceID: TraceID) -> Bool {
        traceID.low & (1 << 56 - 1) < threshold
    }

    /// Whether to record a piece of work: its parent's decision if it has one, else this sampler's.
    public func samples(_ traceID: TraceID, parent: TraceContext?) -> Bool {
        parent?.isSampled ?? samples(root: traceID)
    }
}
