public import Identity

/// Where a service is and who may answer there.
public struct Destination: Sendable, Hashable, CustomStringConvertible {
    /// A host name or an IP address.
    public var host: String
    /// The TCP port.
    public var port: Int
    /// The identities that the server may prove; a connection to anybody else is refused. None means that no call is
    /// made.
    public var identities: [IdentityPattern]

    /// A server at `host` and `port` that proves one of `identities`.
    public init(host: String, port: Int, identities: [IdentityPattern]) {
        self.host = host
        self.port = port
        self.identities = identities
    }

    /// `host:port`, with brackets around an IPv6 address.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
