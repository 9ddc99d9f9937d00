package import MeshWire
import Telemetry

/// A method as the calls of one client share it.
package final class ClientMethod: Sendable {
    /// `service/method`.
    package let path: String
    package let requestName: String
    package let responseName: String
    package let kind: CallKind
    let retry: RetrySafety
    let series: ClientSeries
    /// For errors: whom the calls are for.
    let destination: String
    /// Which lane the calls go on, by the sizes of their messages.
    let laneRule: LaneRule
    /// How long answers take, where calls are hedged.
    let latencies = MethodLatencies()
    /// How long attempts take, where their number is limited.
    let serviceTime = MethodServiceTime()

    init<Kind: MethodKind, Request, Response>(
        _ method: MeshMethod<Kind, Request, Response>, series: ClientSeries, destination: String,
        bulkPayloadBytes: Int?
    ) {
        path = method.path
        requestName = Request.messageName
        responseName = Response.messageName
        kind = Kind.kind
        retry = method.retry
        self.series = series
        self.destination = destination
        laneRule = LaneRule(threshold: bulkPayloadBytes)
    }

    /// A method with the same types, at another path or place.
    init(
        _ original: ClientMethod, path: String, retry: RetrySafety, series: ClientSeries, destination: String,
        bulkPayloadBytes: Int?
    ) {
        self.path = path
        requestName = original.requestName
        responseName = original.responseName
        kind = original.kind
        self.retry = retry
        self.series = series
        self.destination = destination
        laneRule = LaneRule(threshold: bulkPayloadBytes)
    }
}

/// A call as connections see it: encoded once, sent as often as it takes.
final class CallRequest: Sendable {
    let method: ClientMethod
    let deduplication: Deduplication?
    let metadata: Metadata
    let priority: CallPriority
    /// Whether it goes on the lane for bulk, decided once: what happens meanwhile moves later calls.
    let isBulk: Bool
    /// The hashed key of a call that goes where others of its key do.
    let affinity: UInt64?
    let payload: Payload
    /// Where the call stands in its trace, if it is traced.
    let trace: CallTrace?
    /// How many bytes of metadata there is room for to hand that on.
    private let traceRoom: Int
    /// What was in force when the call began, which it goes by to its end.
    let snapshot: ConfigurationSnapshot

    /// Throws for a call over the limits: the server's are the same by default, and would refuse it or end the
    /// connection with all other calls.
    init(
        _ method: ClientMethod, _ payload: Payload, _ metadata: Metadata, _ priority: CallPriority,
        _ lane: CallLane, _ deduplication: Deduplication?, affinity: UInt64?, trace: CallTrace?,
        by snapshot: ConfigurationSnapshot,
        within limits: WireLimits
    ) throws(MeshError) {
        self.snapshot = snapshot
        self.method = method
        self.trace = trace
        traceRoom =
            trace != nil && metadata[Tracer.traceparent] == nil ? limits.metadataBytes - metadata.byteCount : 0
        self.priority = priority
        isBulk = method.laneRule.isBulk(lane, payload.count)
        self.payload = payload
        self.metadata = metadata
        self.affinity = affinity
        self.deduplication = deduplication
        let head = CallHead(
            method: 1, timeRemaining: .zero, deduplication: deduplication, metadata: metadata, layout: payload.layout)
        do throws(WireError) {
            _ = try head.totalBytes(within: limits)
        } catch {
            throw MeshError(
                .callTooLarge, "\(method.path): \(error.message)", progress: .notSent, peer: method.destination,
                cause: error)
        }
    }

    /// The same call of another method, without its numbers and with one more entry of metadata.
    init(
        copying original: CallRequest, to method: ClientMethod, adding entry: Metadata.Entry, trace: CallTrace?
    ) {
        snapshot = original.snapshot
        self.method = method
        self.trace = trace
        traceRoom = max(0, original.traceRoom - entry.key.utf8.count - entry.value.utf8.count - 32)
        priority = original.priority
        isBulk = original.isBulk
        payload = original.payload
        affinity = original.affinity
        deduplication = nil
        var metadata = original.metadata
        metadata.append(entry)
        self.metadata = metadata
    }

    /// The same call with other metadata.
    func with(_ metadata: Metadata, within limits: WireLimits) throws(MeshError) -> CallRequest {
        try CallRequest(
            method, payload, metadata, priority, isBulk ? .bulk : .small, deduplication, affinity: affinity,
            trace: trace, by: snapshot, within: limits)
    }

    /// The call as a wire sends it now.
    func outbound(_ attempt: AttemptFacts, until deadline: RuntimeInstant, now: RuntimeInstant) -> OutboundCall {
        var deduplication = deduplication
        if let first = attempt.firstInstance { deduplication?.firstInstance = first }
        return OutboundCall(
            method: method, timeRemaining: .nanoseconds(now.nanoseconds(to: deadline)), deduplication: deduplication,
            metadata: attempt.trace?.host.map { metadata.with($0.metadata, room: traceRoom) } ?? metadata,
            trace: attempt.trace.flatMap { $0.host == nil && traceRoom >= Metadata.traceBytes ? $0.context : nil },
            priority: priority,
            previousAttempts: attempt.number - 1, payload: payload)
    }
}

/// What the server is told of an attempt beside its call.
struct AttemptFacts {
    /// Which of its call's attempts it is, from 1 on.
    var number: Int
    /// The server that may have run an earlier one, where it is another.
    var firstInstance: InstanceID?
    /// Where it stands in the call's trace.
    var trace: CallTrace?
}
