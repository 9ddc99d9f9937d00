public import MeshTransport
import MeshWire

/// What a parameter server answers, for policies that name its methods: workers push, pull, tick and call functions, readers pull and
/// keep snapshots, auditors audit, and whoever administers the job writes checkpoints and has it go back to them.
public enum ParameterService: MeshService {
    /// `meshwork.Parameters`.
    public static let name: ServiceName = "meshwork.Parameters"

    static let push = unary("Push", PushRequest.self, PushResponse.self, retry: .deduplicated)
    static let pull = unary("Pull", PullRequest.self, PullResponse.self, retry: .idempotent)
    static let call = unary("Call", CallRequest.self, CallResponse.self, retry: .deduplicated)
    static let query = unary("Query", QueryRequest.self, QueryResponse.self, retry: .idempotent)
    static let tick = unary("Tick", TickRequest.self, TickResponse.self, retry: .idempotent)
    static let snapshot = unary("Snapshot", SnapshotRequest.self, SnapshotResponse.self, retry: .idempotent)
    // Files are long to write, and a copy of the request would write them twice: whoever asked asks again.
    static let checkpoint = unary("Checkpoint", CheckpointOrder.self, CheckpointAnswer.self, retry: .never)
    static let restore = unary("Restore", RestoreOrder.self, RestoreAnswer.self, retry: .never)
    static let auditInParts = serverStreaming("AuditInParts", EmptyMessage.self, AuditResponse.self, retry: .idempotent)
    static let audit = unary("Audit", EmptyMessage.self, AuditResponse.self, retry: .idempotent)
}
