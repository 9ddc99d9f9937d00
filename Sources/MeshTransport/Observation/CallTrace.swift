package import MeshWire
package import Telemetry

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
    /// - Parameters:
    ///   - parent: the call that it is a copy of; default what the task stands in.
    ///   - shard: of the loop that the call is probably made on.
    func begin(_ metadata: Metadata, in parent: TraceContext? = nil, by shard: LoopShard) -> CallTrace? {
        if !metadata.isEmpty, metadata[Self.traceparent] != nil { return nil }
        return place(in: parent ?? TraceContext.current, by: shard)
    }

    /// The trace of a call that has arrived, with what its wire says of it, or with its metadata.
    ///
    /// - Parameter isOurs: whether its caller is of our own trust domain.
    func accept(_ trace: TraceParent?, _ metadata: Metadata, isOurs: Bool, by shard: LoopShard) -> CallTrace {
        guard isOurs || configuration.trustsOtherDomains else { return place(in: nil, by: shard) }
        return place(in: trace.flatMap { TraceContext($0) } ?? Self.parent(metadata), by: shard)
    }

    /// What the only field of this name says: of two, neither is to be believed.
    private static func parent(_ metadata: Metadata) -> TraceContext? {
        if metadata.isEmpty { return nil }
        var found: String?
        for entry in metadata where entry.key == traceparent {
            if found != nil { return nil }
            found = entry.value
        }
        guard let found else { return nil }
        let states = metadata.filter { $0.key == tracestate }.map(\.value)
        return TraceContext(traceparent: found, tracestate: states.isEmpty ? nil : states.joined(separator: ","))
    }

    private func place(in parent: TraceContext?, by shard: LoopShard) -> CallTrace {
        guard let parent else {
            var chance = LoopChance(shard)
            return CallTrace(context: TraceContext(root: configuration.sampler, using: &chance), parent: nil)
        }
        return CallTrace(context: child(of: parent, by: shard), parent: parent.spanID)
    }

    /// What an attempt of a call hands on. Where nothing is recorded, nobody asks for the places between.
    func child(of context: TraceContext, by shard: LoopShard) -> TraceContext {
        guard context.isSampled else { return context }
        var chance = LoopChance(shard)
        return context.child(using: &chance)
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

extension TraceParent {
    /// What the mesh's own wire carries.
    init(_ context: TraceContext) {
        self.init(
            traceHigh: context.traceID.high, traceLow: context.traceID.low, span: context.spanID.value,
            flags: context.flags, state: context.tracestate.isEmpty ? "" : context.tracestate.description)
    }
}

extension TraceContext {
    /// What the mesh's own wire has carried; `nil` for what is no place in a trace. A `tracestate` that cannot be read is
    /// left out, and so is one that is longer than any that is sent.
    init?(_ parent: TraceParent) {
        guard let traceID = TraceID(high: parent.traceHigh, low: parent.traceLow), let spanID = SpanID(parent.span)
        else { return nil }
        self.init(traceID: traceID, spanID: spanID, flags: parent.flags)
        guard !parent.state.isEmpty, parent.state.utf8.count <= TraceState.maximumBytes else { return }
        if let state = TraceState(parent.state) { tracestate = state }
    }
}

extension Metadata {
    /// The same, with where the call stands in its trace.
    package func with(_ trace: TraceContext) -> Metadata {
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
