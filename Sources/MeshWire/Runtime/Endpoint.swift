/// Where a listener accepts connections and where a client connects to.
public enum Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// A host name, or an IPv4 or IPv6 address without brackets, and a TCP port.
    case tcp(host: String, port: Int)
    /// The path of a Unix domain socket. Systems take about 100 bytes of it: 107 on Linux, 103 on macOS.
    case unix(path: String)

    /// `host:port`, with brackets around an IPv6 address, or `unix:path`.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
