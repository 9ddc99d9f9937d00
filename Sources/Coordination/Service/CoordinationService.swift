public import MeshTransport
import MeshWire

/// What a coordinator answers, for policies that name its methods.
///
/// Servers register, give signs of life, read the fence, change chains, roll partitions back and leave; workers open,
/// renew and close sessions and declare tables; both watch the map and report servers that do not answer.
public enum CoordinationService: MeshService {
    /// `meshwork.Coordination`.
    public static let name: ServiceName = "meshwork.Coordination"

    static let registerServer = unary("RegisterServer", ServerRegistration.self, SessionFence.self, retry: .idempotent)
    static let renewServer = unary("RenewServer", ServerLife.self, RenewedServer.self, retry: .idempotent)
    static let leaveServer = unary("LeaveServer", ServerLife.self, EmptyMessage.self, retry: .idempotent)
    static let reportLoss = unary("ReportLoss", ServerLife.self, EmptyMessage.self, retry: .idempotent)
    static let changeChain = unary("ChangeChain", ChainRequest.self, ChainAnswer.self, retry: .idempotent)
    static let watchMap = serverStreaming("WatchMap", EmptyMessage.self, PartitionMap.self, retry: .idempotent)
    static let rollBack = unary("RollBack", RollBackRequest.self, BegunEpoch.self, retry: .idempotent)
    static let openSession = unary("OpenSession", OpenSession.self, OpenedSession.self, retry: .idempotent)
    static let renewSession = unary("RenewSession", HeldSession.self, RenewedSession.self, retry: .idempotent)
    static let closeSession = unary("CloseSession", HeldSession.self, EmptyMessage.self, retry: .idempotent)
    static let declareTables = unary("DeclareTables", TableRequests.self, PartitionMap.self, retry: .idempotent)
    static let declareManyTables = clientStreaming("DeclareManyTables", TableRequests.self, DeclaredTables.self)
    static let followMap = serverStreaming("FollowMap", EmptyMessage.self, MapStep.self, retry: .idempotent)
    static let fetchMap = unary("FetchMap", EmptyMessage.self, PartitionMap.self, retry: .idempotent)
    static let fetchFence = unary("FetchFence", EmptyMessage.self, SessionFence.self, retry: .idempotent)
}

/// What every server answers to its coordinator, for policies that name its methods.
public enum SessionFencing: MeshService {
    /// `meshwork.SessionFencing`.
    public static let name: ServiceName = "meshwork.SessionFencing"

    /// Takes a new fence and says what a session that it shuts out has applied.
    package static let fence = unary("Fence", FenceOrder.self, FenceReport.self, retry: .idempotent)

    /// Says which life of which server answers; costs nothing and waits for nothing.
    package static let probe = unary("Probe", EmptyMessage.self, ServerLife.self, retry: .idempotent)
}
