public import MeshTransport
public import Telemetry
public import Tracing

extension TracingConfiguration {
    /// Traces calls in the spans of a tracer of swift-distributed-tracing: that of the process's tracing back end.
    ///
    /// ```swift
    /// InstrumentationSystem.bootstrap(tracer)
    /// configuration.telemetry.tracing = .bootstrapped
    /// ```
    /// The tracer makes the spans of a call, of each of its attempts and of its answering, decides which are recorded
    /// and under which identifiers, and its own fields travel with the call. A call is part of what the calling task's
    /// `ServiceContext.current` is about; where it is answered, that is the span of the answering, with the baggage
    /// that came with the call: also over gRPC, and for requests that come over HTTP. Times are the mesh's runtime's.
    ///
    /// ``MeshTransport/TracingConfiguration/sampler`` decides nothing here. Callers of other trust domains decide nothing
    /// either, and their baggage is not taken, unless ``MeshTransport/TracingConfiguration/trustsOtherDomains`` says so.
    /// Exemplars, the access log and ``/Telemetry/TraceContext/current`` have the tracer's identifiers if it writes W3C's
    /// `traceparent`.
    ///
    /// - Parameters:
    ///   - tracer: makes the spans.
    ///   - instrument: reads and writes what travels, if more does than the tracer's own: a `MultiplexInstrument`.
    public init(tracer: any Tracer, instrument: (any Instrument)? = nil) {
        self.init(tracer: tracer, instrument: instrument, sink: UnreadSpans())
    }

    /// The same, where `sink` also gets the spans that the tracer samples, if it writes W3C's `traceparent`.
    public init(tracer: any Tracer, instrument: (any Instrument)? = nil, sink: any SpanSink) {
        self.init(host: Self.bridge(tracer, instrument ?? tracer), sink: sink)
    }

    /// Traces calls with what `InstrumentationSystem` was bootstrapped with, its tracer and all its instruments; that is
    /// looked up here, so bootstrap first. With nothing bootstrapped, nothing is traced.
    public static var bootstrapped: TracingConfiguration {
        TracingConfiguration(tracer: InstrumentationSystem.tracer, instrument: InstrumentationSystem.instrument)
    }

    private static func bridge(_ tracer: some Tracer, _ instrument: any Instrument) -> any HostTracing {
        TracerBridge(tracer: tracer, instrument: instrument)
    }
}

/// The tracer's back end has the spans.
private struct UnreadSpans: SpanSink {
    func record(_ span: SpanRecord) {}
}
