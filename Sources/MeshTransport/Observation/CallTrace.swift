import MeshWire
import Telemetry

/// Where one side of a call stands in its trace.
struct CallTrace: Sendable {
    /// Its own place.
    let context: TraceContext
    /// The piece of work that it is part of, if it did not begin the trace.
    let parent: SpanID?

    /// What leads from a counter to the call, if that can be looked up.
    var exemplar: Exemplar? {
        context.isSampled ? Exemplar(traceID: context.traceID, spanID: context.spanID) : nil
    }
}

/// Begins, goes on with and records the traces of a mesh's calls.
final class Tracer: Sendable {
    /// The metadata's keys, which are HTTP's field names.
    static let traceparent = "traceparent"
    static let tracestate = "tracestate"

    private let configuration: TracingConfiguration
    private let runtime: any Runtime

    init(_ configuration: TracingConfiguration, _ runtime: any Runtime) {
        self.configuration = configuration
        self.runtime = runtime
    }

    /// The trace of a call that is made now; `nil` if its metadata says already which it is part of.
    ///
    /// - Parameter parent: the call that it is a copy of; default what the task stands in.
    func begin(_ metadata: Metadata, in parent: TraceContext? = nil) -> CallTrace? {
        if !metadata.isEmpty, metadata[Self.traceparent] != nil { return nil }
        return place(in: parent ?? TraceContext.current)
    }

    /// The trace of a call that has arrived.
    ///
    /// - Parameter isOurs: whether its caller is of our own trust domain.
    func accept(_ metadata: Metadata, isOurs: Bool) -> CallTrace {
        guard isOurs || configuration.trustsOtherDomains, !metadata.isEmpty,
            let text = parent(metadata),
            let parent = TraceContext(traceparent: text, tracestate: states(metadata))
        else { return place(in: nil) }
        return place(in: parent)
    }

    /// The only field of this name: of two, neither is to be believed.
    private func parent(_ metadata: Metadata) -> String? {
        var found: String?
        for entry in metadata where entry.key == Self.traceparent {
            if found != nil { return nil }
            found = entry.value
        }
        return found
    }

    private func states(_ metadata: Metadata) -> String? {
        let states = metadata.filter { $0.key == Self.tracestate }.map(\.value)
        return states.isEmpty ? nil : states.joined(separator: ",")
    }

    private func place(in parent: TraceContext?) -> CallTrace {
        var generator = RuntimeRandomNumberGenerator(runtime)
        guard let parent else {
            return CallTrace(context: TraceContext(root: configuration.sampler, using: &generator), parent: nil)
        }
        return CallTrace(context: child(of: parent), parent: parent.spanID)
    }

    /// What an attempt of a call hands on. Where nothing is recorded, nobody asks for the places between.
    func child(of context: TraceContext) -> TraceContext {
        guard context.isSampled else { return context }
        var generator = RuntimeRandomNumberGenerator(runtime)
        return context.child(using: &generator)
    }

    /// Records a piece of work that has just ended, if its trace is recorded.
    ///
    /// - Parameter fill: says what it came to.
    func record(
        _ name: String, _ kind: SpanRecord.Kind, _ trace: CallTrace, nanoseconds: Int64,
        _ fill: (inout SpanRecord) -> Void
    ) {
        guard trace.context.isSampled else { return }
        let end = runtime.timeSince1970.inNanoseconds
        var span = SpanRecord(
            name, kind: kind, context: trace.context, parent: trace.parent,
            startUnixNanoseconds: end - max(0, nanoseconds), endUnixNanoseconds: end)
        fill(&span)
        configuration.sink.record(span)
    }
}

extension SpanRecord {
    /// Says what a call or an attempt came to.
    mutating func set(_ status: CallStatus, message: String?) {
        set("rpc.system", .string("meshwork"))
        set("rpc.meshwork.status", .string(status.description))
        set("rpc.grpc.status_code", .int(Int64(status.rawValue)))
        if status == .ok { set(.ok) } else { set(.error(message ?? status.description)) }
    }
}

extension Metadata {
    /// The same, with where the call stands in its trace.
    func with(_ trace: TraceContext) -> Metadata {
        var all = self
        all.append(Entry(key: Tracer.traceparent, value: trace.traceparent))
        if !trace.tracestate.isEmpty {
            all.append(Entry(key: Tracer.tracestate, value: trace.tracestate.description))
        }
        return all
    }

    /// The most that ``with(_:)`` adds to ``byteCount``: both keys and values, and 32 for each entry.
    static let traceBytes = 11 + 55 + 32 + 10 + TraceState.maximumBytes + 32
}
