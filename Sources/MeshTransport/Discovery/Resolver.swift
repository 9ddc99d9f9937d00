public import Identity
public import MeshWire
import Synchronization

/// Finds the servers of services by their names: what a ``Destination/init(service:identities:)`` is looked up with.
///
/// ```swift
/// var configuration = MeshConfiguration()
/// configuration.resolver = StaticResolver(["scoring.shop": [ServiceEndpoint(.tcp(host: "10.0.0.1", port: 8080))]])
/// ```
public protocol Resolver: Sendable {
    /// Follows a service: calls `update` with what is known of it, at once if anything is, and again after each change,
    /// until the watch is cancelled or let go of. From any thread, and never two at a time.
    func watch(_ service: String, _ update: @escaping @Sendable (Resolution) -> Void) -> ResolutionWatch
}

/// What a resolver knows of a service.
public enum Resolution: Sendable, Hashable {
    /// All its endpoints: those that are not among them are gone. A service may have none for now.
    case endpoints([ServiceEndpoint])
    /// There is no such service, or nobody can tell: why, for the error of calls that have no endpoint. Endpoints that
    /// were known before stay in use.
    case failed(String)
}

/// One server of a service, as discovery tells of it.
public struct ServiceEndpoint: Sendable, Hashable {
    /// Where it listens.
    public var endpoint: Endpoint
    /// How many calls it gets beside the service's others; at least 1, which is the default.
    public var weight: UInt32
    /// Where it is, in the words of ``BalancingConfiguration/ZonePreference``.
    public var zone: String?
    /// The identities that it may prove; none for those of the destination.
    public var identities: [IdentityPattern]
    /// Endpoints of a higher number get calls only while none of a lower one takes any. Default 0.
    public var priority: UInt16
    /// Where the same server listens besides, such as its IPv4 address beside an IPv6 one: what a connection is made to
    /// when ``endpoint`` has not answered after 250 ms (RFC 8305). Default nowhere.
    public var alternatives: [Endpoint]

    /// Makes an endpoint.
    public init(
        _ endpoint: Endpoint, weight: UInt32 = 1, zone: String? = nil, identities: [IdentityPattern] = [],
        priority: UInt16 = 0, alternatives: [Endpoint] = []
    ) {
        self.endpoint = endpoint
        self.weight = weight
        self.zone = zone
        self.identities = identities
        self.priority = priority
        self.alternatives = alternatives
    }
}

/// Somebody's interest in a service; it ends when this is cancelled or let go of.
public final class ResolutionWatch: Sendable {
    private let onCancel: Mutex<(@Sendable () -> Void)?>

    /// - Parameter onCancel: called once, when the interest ends.
    public init(onCancel: @escaping @Sendable () -> Void) { self.onCancel = Mutex(onCancel) }

    /// Ends it; an update that is on its way may still come.
    public func cancel() {
        let cancel = onCancel.withLock { $0.take() }
        cancel?()
    }

    deinit { cancel() }
}
