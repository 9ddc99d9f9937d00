import Identity
import MeshTransport
import MeshWire

/// A service that says that it is there.
enum Presence: MeshService {
    static let name: ServiceName = "embedding.Presence"
    static let ask = unary("Ask", EmptyMessage.self, EmptyMessage.self, retry: .idempotent)
}

// One process, its own authority, and a call to itself over mutual TLS.
var generator = SystemRandomNumberGenerator()
let runtime = SystemRuntime.shared
let now = UnixTime(seconds: runtime.timeSince1970.components.seconds)
let domain = try TrustDomain(parsing: "embedding.example")
let authority = try CertificateAuthority(trustDomain: domain, now: now, using: &generator)
let host = try SPIFFEID(domain, path: "/host")
let identity = StaticIdentitySource(
    svid: try authority.makeIdentity(
        for: try IssuanceAuthorization(spiffeID: host, dnsNames: ["localhost"]), now: now, using: &generator),
    bundle: try authority.bundle())
let policy = try AuthorizationPolicy(rules: [
    .init("the host asks itself", methods: ["embedding.Presence/*"], identities: [host.description])
])

let mesh = try Mesh(identity: identity, policy: policy)
mesh.serve(Presence.ask) { request, _ in request }
let address = try await mesh.listen(host: "127.0.0.1", port: 0)
let client = mesh.client(Destination(host: "127.0.0.1", port: address.port, identities: [.exact(host)]))
_ = try await client.call(Presence.ask, EmptyMessage())
let connection = try await client.connection()
print("answered by \(connection.peer.map(\.description) ?? "nobody") over \(connection.tlsVersion)")
client.close()
await mesh.stop()
