import Coordination
import MeshTransport
import MeshWire
import Telemetry

/// Records what became of the pushes of a call whose trace is recorded, one span each below the call's own: every
/// attempt that arrives, and so every copy, says whether it was applied, was a duplicate or was refused, and which push
/// it was.
struct PushSpans {
    /// Of a call with more pushes the others are left out.
    static let limit = 128

    private let trace: TraceContext
    private let sink: any SpanSink
    private let runtime: any Runtime

    /// `nil` where nobody is to be told.
    init?(_ call: CallContext, _ mesh: Mesh) {
        guard let trace = call.trace, trace.isSampled, let sink = mesh.tracing?.sink else { return nil }
        self.trace = trace
        self.sink = sink
        runtime = mesh.runtime
    }

    /// Records pushes with their replies, which took so long together.
    func record(_ pushes: [(push: PartitionPush, partition: String, reply: PushReply)], _ duration: Duration) {
        var chance = Xoshiro256(runtime)
        let end = runtime.timeSince1970.inNanoseconds
        for (push, partition, reply) in pushes.prefix(Self.limit) {
            var span = SpanRecord(
                "meshwork.Parameters/Push partition", kind: .internal, context: trace.child(using: &chance),
                parent: trace.spanID, startUnixNanoseconds: end - duration.inNanoseconds, endUnixNanoseconds: end)
            span.set("meshwork.partition", .string(partition))
            span.set("meshwork.session", .string(push.session.description))
            span.set("meshwork.slot", .int(Int64(push.slot)))
            span.set("meshwork.sequence", .int(Int64(clamping: push.sequence)))
            if let call = push.call { span.set("meshwork.function", .string(call.function.description)) }
            span.set("meshwork.bytes", .int(Int64(push.byteCount)))
            span.set("meshwork.outcome", .string(Self.outcome(reply)))
            span.set("meshwork.version", .string(reply.version.description))
            switch reply.outcome {
            case .applied:
                span.set("meshwork.staleness", .int(Int64(clamping: reply.staleness)))
                span.set("meshwork.durability", .string("\(reply.durability)"))
                span.set(.ok)
            case .skipped(let message):
                span.set("meshwork.reason", .string(message))
                span.set(.ok)
            case .refused(.held, let message):
                span.set("meshwork.reason", .string(message))
                span.set(.ok)
            case .refused(let code, let message):
                span.set("meshwork.code", .string(code.description))
                span.set(.error(message))
            }
            sink.record(span)
        }
    }

    private static func outcome(_ reply: PushReply) -> String {
        if reply.isReplay { return "duplicate" }
        return switch reply.outcome {
        case .applied: "applied"
        case .skipped: "skipped"
        case .refused(.held, _): "held"
        case .refused: "refused"
        }
    }
}
