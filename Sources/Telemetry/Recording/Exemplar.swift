/// The trace of something that was counted: what leads from a bucket of a histogram to a request that lies in it.
///
/// Give one for sampled traces only, since others cannot be looked up.
public struct Exemplar: Sendable, Hashable {
    /// Of the trace.
    public var traceID: TraceID
    /// Of the span that was counted.
    public var spanID: SpanID
    /// When it was counted, in nanoseconds since 1970; nil leaves the time out.
    public var unixNanoseconds: Int64?

    /// - Parameter unixNanoseconds: when it was counted, since 1970; nil leaves the time out.
    public init(traceID: TraceID, spanID: SpanID, unixNanoseconds: Int64? = nil) {
        self.traceID = traceID
        self.spanID = spanID
        self.unixNanoseconds = unixNanoseconds
    }
}
