package import MeshWire
package import Telemetry

/// Where one side of a call stands in its trace.
struct CallTrace: Sendable {
    /// Its own place. Where the host's tracing system has identifiers that are not W3C's, one of our own that is not
    /// sampled.
    let context: TraceContext
    /// The piece of work that it is part of, if it did not begin the trace.
    let parent: SpanID?
    /// Its span in the host's own tracing system, if that makes the spans.
    var host: HostPlace?

    /// Whether somebody is to be told of it when it has ended.
    var isRecorded: Bool { context.isSampled || host != nil }

    /// What leads from a counter to the call, if that can be looked up.
    var exemplar: Exemplar? {
        context.isSampled ? Exemplar(traceID: context.traceID, spanID: context.spanID) : nil
    }

    /// Runs what answers the call where the calls that it makes, and the host's own spans, find what they are part of.
    func around<Result: Sendable>(_ body: () async -> Result) async -> Result {
        guard let host else { return await TraceContext.$current.withValue(context) { await body() } }
        return await host.span.around { await TraceContext.$current.withValue(context) { await body() } }
    }
}

/// Where a call stands in the host's own tracing system. An object, so that calls that are not traced by one carry no more
/// for it than a reference.
final class HostPlace: Sendable {
    let span: any HostSpan
    /// What the next process is told.
    let metadata: Metadata

    init(_ span: any HostSpan, _ metadata: Metadata) {
        self.span = span
        self.metadata = metadata
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
    /// - Parameter shard: of the loop that the call is probably made on.
    func begin(_ name: String, _ metadata: Metadata, by shard: LoopShard) -> CallTrace? {
        if !metadata.isEmpty, metadata[Self.traceparent] != nil { return nil }
        if let host = configuration.host { return place(host.begin(name, at: unixNanoseconds), in: nil, by: shard) }
        return place(in: TraceContext.current, by: shard)
    }

    /// The trace of a call that has arrived, with what its wire says of it, or with its metadata.
    ///
    /// - Parameter isOurs: whether its caller is of our own trust domain.
    func accept(
        _ name: String, _ trace: TraceParent?, _ metadata: Metadata, isOurs: Bool, by shard: LoopShard
    ) -> CallTrace {
        let decides = isOurs || configuration.trustsOtherDomains
        let carried = decides ? trace.flatMap { TraceContext($0) } : nil
        let parent = carried ?? (decides ? Self.parent(metadata) : nil)
        guard let host = configuration.host else { return place(in: parent, by: shard) }
        let told = decides ? carried.map { metadata.with($0) } ?? metadata : nil
        return place(host.accept(name, at: unixNanoseconds, with: told), in: parent?.spanID, by: shard)
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
        return child(of: parent, by: shard)
    }

    /// The place that the host's tracing system has given a span.
    private func place(_ span: any HostSpan, in parent: SpanID?, by shard: LoopShard) -> CallTrace {
        var metadata = Metadata()
        span.inject(into: &metadata)
        var chance = LoopChance(shard)
        return CallTrace(
            context: Self.parent(metadata) ?? TraceContext(root: .never, using: &chance), parent: parent,
            host: HostPlace(span, metadata))
    }

    /// The place of a part of a call: of an attempt, or of a copy.
    func child(_ name: String, of trace: CallTrace, by shard: LoopShard) -> CallTrace {
        guard let host = trace.host else { return child(of: trace.context, by: shard) }
        return place(host.span.child(name, at: unixNanoseconds), in: trace.context.spanID, by: shard)
    }

    /// Where nothing is recorded, nobody asks for the places between.
    private func child(of parent: TraceContext, by shard: LoopShard) -> CallTrace {
        guard parent.isSampled else { return CallTrace(context: parent, parent: parent.spanID) }
        var chance = LoopChance(shard)
        return CallTrace(context: parent.child(using: &chance), parent: parent.spanID)
    }

    /// Ends the span of a call that was not made.
    func end(_ name: String, _ trace: CallTrace?, _ error: MeshError) {
        guard let trace, trace.isRecorded else { return }
        record(name, .client, trace, nanoseconds: 0, error: error) { $0.set(error.outcome, message: error.message) }
    }

    private var unixNanoseconds: Int64 { runtime.timeSince1970.inNanoseconds }

    /// Records a piece of work that has just ended, if its trace is recorded.
    ///
    /// - Parameters:
    ///   - error: why it failed, for the host's own tracing system.
    ///   - fill: says what it came to.
    func record(
        _ name: String, _ kind: SpanRecord.Kind, _ trace: CallTrace, nanoseconds: Int64, error: (any Error)? = nil,
        _ fill: (inout SpanRecord) -> Void
    ) {
        guard trace.isRecorded else { return }
        let end = unixNanoseconds
        var span = SpanRecord(
            name, kind: kind, context: trace.context, parent: trace.parent,
            startUnixNanoseconds: end - max(0, nanoseconds), endUnixNanoseconds: end)
        fill(&span)
        trace.host?.span.end(span, error)
        if trace.context.isSampled { configuration.sink.record(span) }
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

    /// The same, with what the host's tracing system has the next process told, as far as there is room for that.
    ///
    /// - Parameter room: as ``byteCount`` counts.
    func with(_ told: Metadata, room: Int) -> Metadata {
        var (all, room) = (self, room)
        for entry in told where self[entry.key] == nil {
            room -= entry.key.utf8.count + entry.value.utf8.count + entry.bytes.count + 32
            guard room >= 0 else { break }
            all.append(entry)
        }
        return all
    }

    /// The most that ``with(_:)`` adds to ``byteCount``: both keys and values, and 32 for each entry.
    static let traceBytes = 11 + 55 + 32 + 10 + TraceState.maximumBytes + 32
}
