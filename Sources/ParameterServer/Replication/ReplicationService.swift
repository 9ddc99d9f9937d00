public import MeshTransport
import MeshWire

/// What the servers of a chain say to each other, for policies that name its method: servers call servers.
public enum ReplicationService: MeshService {
    /// `meshwork.Replication`.
    public static let name: ServiceName = "meshwork.Replication"

    /// Records and snapshots one way, acknowledgements the other: one stream from a server to each that follows it, for
    /// all partitions in which it does.
    static let chain = bidirectional("Chain", ChainMessage.self, ChainReply.self)
}
