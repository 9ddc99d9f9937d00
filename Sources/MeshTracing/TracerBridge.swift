import MeshTransport
import MeshWire
import Tracing

/// Begins the spans of calls with a tracer of swift-distributed-tracing.
struct TracerBridge<HostTracer: Tracer>: HostTracing {
    let tracer: HostTracer
    /// Reads and writes what travels.
    let instrument: any Instrument

    func begin(_ name: String, at unixNanoseconds: Int64) -> any HostSpan {
        start(name, .client, in: ServiceContext.current ?? .topLevel, at: unixNanoseconds)
    }

    func accept(_ name: String, at unixNanoseconds: Int64, with metadata: Metadata?) -> any HostSpan {
        var context = ServiceContext.topLevel
        if let metadata, !metadata.isEmpty {
            instrument.extract(metadata, into: &context, using: MetadataExtractor())
        }
        return start(name, .server, in: context, at: unixNanoseconds)
    }

    func start(
        _ name: String, _ kind: SpanKind, in context: ServiceContext, at unixNanoseconds: Int64
    ) -> BridgedSpan<HostTracer> {
        BridgedSpan(
            bridge: self,
            span: tracer.startSpan(
                name, context: context, ofKind: kind, at: UnixInstant(unixNanoseconds), function: #function,
                file: #fileID, line: #line))
    }
}

/// A point in time, as the mesh's runtime has it.
struct UnixInstant: TracerInstant {
    let nanosecondsSinceEpoch: UInt64

    init(_ nanoseconds: Int64) { nanosecondsSinceEpoch = UInt64(max(0, nanoseconds)) }

    static func < (left: UnixInstant, right: UnixInstant) -> Bool {
        left.nanosecondsSinceEpoch < right.nanosecondsSinceEpoch
    }
}
