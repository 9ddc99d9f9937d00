import MeshWire
import NIOCore

/// One server that a client's calls may go to.
///
/// Sendable: what is mutable belongs to its ``EndpointPool`` and is touched on that one's event loop alone.
final class ClientEndpoint: @unchecked Sendable {
    let server: ServerAddress
    let lanes: ClientLanes
    /// What discovery said of it; `nil` for the one server of a destination that has no other.
    var found: ServiceEndpoint?
    /// Its number in the balancer; `nil` once it has left the service.
    var slot: Int?
    /// Whether it is left out because its calls fail.
    var accrual: FailureAccrual?
    /// The connections in a row that could not be made, and why the last one could not.
    var failures = 0
    var lastError: MeshError?
    /// When it was last connected to.
    var upSince = RuntimeInstant(nanoseconds: .min)
    /// True while the pool has asked for a connection.
    var isDialing = false
    /// Ends a wait, for the next try at a connection or for the end of a penalty.
    var redial: Scheduled<Void>?
    var penalty: Scheduled<Void>?

    init(_ server: ServerAddress, _ lanes: ClientLanes, found: ServiceEndpoint? = nil) {
        self.server = server
        self.lanes = lanes
        self.found = found
    }

    /// Whether it may be given calls.
    var takesCalls: Bool { lanes.small.isUp && accrual?.takesCalls != false }
}
