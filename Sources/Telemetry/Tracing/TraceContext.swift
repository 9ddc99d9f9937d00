/// Where a piece of work stands in a trace: W3C Trace Context, level 2 (`traceparent` and `tracestate`).
///
/// A call that arrives with a context goes on with a child of it, one that arrives with none begins a trace:
/// ```swift
/// let parent = TraceContext(traceparent: fields["traceparent"], tracestate: fields["tracestate"])
/// let context = parent?.child(using: &generator) ?? TraceContext(root: sampler, using: &generator)
/// headers["traceparent"] = context.traceparent
/// if !context.tracestate.isEmpty { headers["tracestate"] = context.tracestate.description }
/// ```
/// Nothing here has a clock or randomness of its own.
public struct TraceContext: Sendable, Hashable {
    /// Of the whole trace; a child's is its parent's.
    public var traceID: TraceID
    /// Of this piece of work: the `parent-id` that the next one down is told.
    public var spanID: SpanID
    /// Whether this trace is recorded: the flag 0x01.
    public var isSampled: Bool
    /// Whether the trace's last seven bytes are known to be random: the flag 0x02, handed on as it came.
    public var isRandom: Bool
    /// What tracing systems on the way have added.
    public var tracestate: TraceState

    /// A context of given parts.
    public init(
        traceID: TraceID, spanID: SpanID, isSampled: Bool, isRandom: Bool = false, tracestate: TraceState = TraceState()
    ) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.isRandom = isRandom
        self.tracestate = tracestate
    }

    /// A context with the flags as they are sent: those that nobody has defined are left out.
    package init(traceID: TraceID, spanID: SpanID, flags: UInt32) {
        self.init(traceID: traceID, spanID: spanID, isSampled: flags & 1 != 0, isRandom: flags & 2 != 0)
    }

    /// The flags as they are sent.
    package var flags: UInt32 { (isSampled ? 1 : 0) | (isRandom ? 2 : 0) }

    /// Begins a trace, with random identifiers.
    public init(root sampler: TraceSampler, using generator: inout some RandomNumberGenerator) {
        traceID = TraceID(using: &generator)
        spanID = SpanID(using: &generator)
        isSampled = sampler.samples(root: traceID)
        isRandom = true
        tracestate = TraceState()
    }

    /// The context of a piece of work below this one: the same trace with the same flags, another span.
    public func child(using generator: inout some RandomNumberGenerator) -> TraceContext {
        var child = self
        child.spanID = SpanID(using: &generator)
        return child
    }

    /// The context for what goes on in another trust domain: a trace of its own, which a link may join to this one.
    /// Whoever is outside decides neither what is recorded here nor under which name.
    public func restarted(_ sampler: TraceSampler, using generator: inout some RandomNumberGenerator) -> TraceContext {
        TraceContext(root: sampler, using: &generator)
    }
}

extension TraceContext {
    /// Reads a `traceparent`, and the `tracestate` that came with it.
    ///
    /// nil for anything that is no `traceparent`: it is to be ignored, and the `tracestate` with it. A `tracestate` that
    /// cannot be read is left out and does not spoil the `traceparent` (W3C Trace Context, 3.2.4 and 4.3).
    ///
    /// - Parameters:
    ///   - traceparent: the only field of this name; of two, neither is to be believed.
    ///   - tracestate: several fields of this name are joined by commas, in their order.
    public init?(traceparent: String, tracestate: String? = nil) {
        guard let parent = Self.parse(Array(traceparent.utf8)) else { return nil }
        self = parent
        if let tracestate, let state = TraceState(tracestate) { self.tracestate = state }
    }

    /// The field's value: version 00, in 55 characters. Flags that nobody has defined are 0.
    public var traceparent: String {
        var text = Array("00-".utf8)
        Hexadecimal.append(traceID.high, digits: 16, to: &text)
        Hexadecimal.append(traceID.low, digits: 16, to: &text)
        text.append(UInt8(ascii: "-"))
        Hexadecimal.append(spanID.value, digits: 16, to: &text)
        text.append(UInt8(ascii: "-"))
        Hexadecimal.append(UInt64(flags), digits: 2, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// `version "-" trace-id "-" parent-id "-" trace-flags`, in lowercase hexadecimal digits: 2, 32, 16 and 2 of them.
    private static func parse(_ text: [UInt8]) -> TraceContext? {
        let dash = UInt8(ascii: "-")
        guard text.count >= 55, text[2] == dash, text[35] == dash, text[52] == dash,
            let version = Hexadecimal.value(text[0..<2]), version != 0xFF,
            let high = Hexadecimal.value(text[3..<19]), let low = Hexadecimal.value(text[19..<35]),
            let span = Hexadecimal.value(text[36..<52]), let flags = Hexadecimal.value(text[53..<55]),
            let traceID = TraceID(high: high, low: low), let spanID = SpanID(span)
        else { return nil }
        // Version 00 ends there. A later one may go on, after a dash; what it says there is not for us, and of its flags
        // those that we know are read.
        guard text.count == 55 || (version > 0 && text[55] == dash) else { return nil }
        return TraceContext(traceID: traceID, spanID: spanID, flags: UInt32(flags))
    }
}
