public import MeshTransport
import MeshWire

/// What a parameter server answers, for policies that name its methods: workers push and pull, readers pull, auditors
/// audit.
public enum ParameterService: MeshService {
    /// `meshwork.Parameters`.
    public static let name: ServiceName = "meshwork.Parameters"

    static let push = unary("Push", PushRequest.self, PushResponse.self, retry: .deduplicated)
    static let pull = unary("Pull", PullRequest.self, PullResponse.self, retry: .idempotent)
    static let audit = unary("Audit", EmptyMessage.self, AuditResponse.self, retry: .idempotent)
}
