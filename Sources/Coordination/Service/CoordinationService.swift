public import MeshTransport
import MeshWire

/// What a coordinator answers, for policies that name its methods.
///
/// Servers register and read the map and the fence; workers open, renew and close sessions and declare tables.
public enum CoordinationService: MeshService {
    /// `meshwork.Coordination`.
    public static let name: ServiceName = "meshwork.Coordination"

    static let registerServer = unary("RegisterServer", ServerRegistration.self, SessionFence.self, retry: .idempotent)
    static let openSession = unary("OpenSession", OpenSession.self, OpenedSession.self, retry: .idempotent)
    static let renewSession = unary("RenewSession", HeldSession.self, RenewedSession.self, retry: .idempotent)
    static let closeSession = unary("CloseSession", HeldSession.self, EmptyMessage.self, retry: .idempotent)
    static let declareTables = unary("DeclareTables", TableRequests.self, PartitionMap.self, retry: .idempotent)
    static let fetchMap = unary("FetchMap", EmptyMessage.self, PartitionMap.self, retry: .idempotent)
    static let fetchFence = unary("FetchFence", EmptyMessage.self, SessionFence.self, retry: .idempotent)
}

/// What every server answers to its coordinator, for policies that name its method.
public enum SessionFencing: MeshService {
    /// `meshwork.SessionFencing`.
    public static let name: ServiceName = "meshwork.SessionFencing"

    /// Takes a new fence and says what a session that it shuts out has applied.
    package static let fence = unary("Fence", FenceOrder.self, FenceReport.self, retry: .idempotent)
}
