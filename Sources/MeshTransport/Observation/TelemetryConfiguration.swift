public import Telemetry

/// What a mesh tells of its calls besides counting them.
public struct TelemetryConfiguration: Sendable {
    /// How calls are traced; `nil` for not at all: then no trace is begun, recorded or handed on. Default `nil`.
    public var tracing: TracingConfiguration?
    /// Where a line is written for each call of a served method and each HTTP request; `nil` for nowhere. Default `nil`.
    public var accessLog: AccessLogConfiguration?
    /// Shows calls to those who watch. Default one of this value's own, which all meshes share that are made with it.
    public var tap = Tap()

    /// Makes the defaults.
    public init() {}
}

/// How calls are traced: W3C Trace Context in the calls' metadata, spans to a sink.
///
/// A call that is made while another one is answered is part of that one's trace (``/Telemetry/TraceContext/current``); any
/// other begins a trace. Both sides of a call record a span, and the caller one more for each attempt:
/// ```
/// shop.Orders/Place  client ─┬─ shop.Orders/Place  attempt 1 ─── shop.Orders/Place  server ─── …
///                            └─ shop.Orders/Place  attempt 2 ─── …
/// ```
public struct TracingConfiguration: Sendable {
    /// Which traces that begin here are recorded. Others are as their beginner has decided. Default one in a hundred. A
    /// tracing system of the host's decides by itself.
    public var sampler = TraceSampler(ratio: 0.01)
    /// Whether a caller of another trust domain decides whether its calls' traces are recorded here, and under which
    /// identifier; if not, they begin anew. Default false.
    public var trustsOtherDomains = false
    /// Takes the spans of the traces that are recorded.
    public var sink: any SpanSink
    /// What makes the spans instead of us, and decides which are recorded, if the host has a tracing system of its own.
    let host: (any HostTracing)?

    /// Sends spans to `sink`.
    public init(sink: any SpanSink) {
        self.sink = sink
        host = nil
    }

    /// Has a tracing system of the host's make the spans; `sink` is told of those that it samples, too.
    package init(host: any HostTracing, sink: any SpanSink) {
        self.sink = sink
        self.host = host
    }
}

/// Where a server's access log goes.
public struct AccessLogConfiguration: Sendable {
    /// What a line looks like. Default JSON.
    public var format = AccessLogFormat.json
    /// Takes a line with the line feed at its end. Called on an event loop: it must hand the line to somebody else and
    /// return, and drop it where there is no room.
    public var write: @Sendable ([UInt8]) -> Void

    /// Writes lines of `format` with `write`.
    public init(_ format: AccessLogFormat = .json, write: @escaping @Sendable ([UInt8]) -> Void) {
        self.format = format
        self.write = write
    }
}
