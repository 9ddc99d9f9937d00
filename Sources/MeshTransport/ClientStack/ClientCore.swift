import Identity
import Logging
import MeshWire

/// What all clients of a mesh share.
struct ClientCore: Sendable {
    let instance: InstanceID
    let configuration: MeshConfiguration
    let runtime: any Runtime
    /// Our own identity; `nil` for a client that joins to get one.
    let identity: (any IdentitySource)?
    let trust: ChannelSecurity.Trust
    let applicationProtocol: String
    let verifier: PeerVerifier
    let table: ConnectionTable
    let metrics: ClientMetrics
    let logger: Logger
}
