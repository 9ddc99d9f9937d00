import MeshTransport
import MeshWire
import Telemetry
import Tracing

/// The span of a call, of an attempt or of an answering, as a tracer of swift-distributed-tracing has it.
struct BridgedSpan<HostTracer: Tracer>: HostSpan {
    let bridge: TracerBridge<HostTracer>
    let span: HostTracer.Span

    func child(_ name: String, at unixNanoseconds: Int64) -> any HostSpan {
        bridge.start(name, .client, in: span.context, at: unixNanoseconds)
    }

    func inject(into metadata: inout Metadata) {
        bridge.instrument.inject(span.context, into: &metadata, using: MetadataInjector())
    }

    func around<Result>(_ body: () -> Result) -> Result {
        ServiceContext.$current.withValue(span.context, operation: body)
    }

    func around<Result: Sendable>(_ body: () async -> Result) async -> Result {
        await ServiceContext.$current.withValue(span.context, operation: body)
    }

    func end(_ record: SpanRecord, _ error: (any Error)?) {
        let end = UnixInstant(record.endUnixNanoseconds)
        if span.isRecording {
            // A request over HTTP learns its route after it has begun.
            if span.operationName != record.name { span.operationName = record.name }
            span.updateAttributes { attributes in
                for attribute in record.attributes { attributes[attribute.key] = SpanAttribute(attribute.value) }
            }
            if let error { span.recordError(error, attributes: [:], at: end) }
            switch record.status {
            case .unset: break
            case .ok: span.setStatus(SpanStatus(code: .ok))
            case .error(let message): span.setStatus(SpanStatus(code: .error, message: message))
            }
        }
        span.end(at: end)
    }
}

extension SpanAttribute {
    init(_ value: SpanRecord.Attribute.Value) {
        self =
            switch value {
            case .string(let value): .string(value)
            case .int(let value): .int64(value)
            case .double(let value): .double(value)
            case .bool(let value): .bool(value)
            }
    }
}
