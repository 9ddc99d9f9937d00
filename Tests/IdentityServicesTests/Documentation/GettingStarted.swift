import Identity
import IdentityServices
import MeshTransport

// The code of `Documentation/GettingStarted.md`: each region between `docs:` and `docs: end` is one block there, to the
// letter (`GettingStartedTests.page`), and what it does is tested (`GettingStartedTests`).

// docs: service
struct Order: Codable, Sendable {
    var item: String
    var count: Int
}

struct Receipt: Codable, Sendable {
    var text: String
}

enum Shop: MeshService {
    static let name: ServiceName = "shop.Shop"
    static let place = unary(
        "Place", CodableMessage<Order>.self, CodableMessage<Receipt>.self, retry: .idempotent)
}
// docs: end

enum GettingStarted {
    /// One process that serves and calls itself.
    static func oneProcess() async throws -> String {
        // docs: one process
        let mesh = try Mesh.development()
        mesh.serve(Shop.place) { order, call in
            CodableMessage(Receipt(text: "\(order.value.count) × \(order.value.item) for \(call.peer!)"))
        }
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)

        let client = mesh.client(mesh.own(address))
        let order = Order(item: "apple", count: 3)
        let receipt = try await client.call(Shop.place, CodableMessage(order), timeout: .seconds(5)).value
        print(receipt.text)
        await mesh.stop()
        // docs: end
        return receipt.text
    }

    /// A mesh that answers with a status.
    static func picky(_ mesh: Mesh) {
        // docs: failure
        mesh.serve(Shop.place) { order, _ in
            guard order.value.count > 0 else { throw CallFailure(.invalidArgument, "expected at least one") }
            return CodableMessage(Receipt(text: "\(order.value.count) × \(order.value.item)"))
        }
        // docs: end
    }

    /// What a refused call's caller learns.
    static func refused(_ client: MeshClient) async -> MeshError? {
        // docs: errors
        func order(_ count: Int) async -> MeshError? {
            do {
                let order = Order(item: "apple", count: count)
                _ = try await client.call(Shop.place, CodableMessage(order), timeout: .seconds(5))
                return nil
            } catch {
                // The handler's status, and whether the call may have run: .notSent, .mayHaveRun or .answered.
                print(error.status ?? .ok, error.progress ?? .answered)
                return error
            }
        }
        // docs: end
        return await order(0)
    }

    /// The process that has the certificate authority.
    static func authority() async throws -> (IssuanceServer, ListenerAddress, TrustDomain) {
        // docs: authority
        var generator = SystemRandomNumberGenerator()
        let domain = try TrustDomain(parsing: "shop.example")
        let now = UnixTime(seconds: SystemRuntime.shared.timeSince1970.components.seconds)
        let root = try RootAuthority(trustDomain: domain, now: now, using: &generator)
        let authority = try ManagedAuthority(AuthorityRotation(root: root, now: now, using: &generator))
        let own = try authority.makeIdentity(
            for: IssuanceAuthorization(spiffeID: SPIFFEID(domain, path: "/authority")))
        let issuance = try IssuanceServer(authority: authority, identity: own)
        let joining = try await issuance.listen(host: "127.0.0.1", port: 0)
        // docs: end
        return (issuance, joining, domain)
    }

    /// The token of a process that is to join.
    static func token(_ issuance: IssuanceServer, _ domain: TrustDomain, _ path: String) throws -> String {
        // docs: token
        let worker = try SPIFFEID(domain, path: path)
        let token = try issuance.makeToken(for: IssuanceAuthorization(spiffeID: worker))
        let handedOver = token.text
        // docs: end
        return handedOver
    }

    /// A process that joins and serves.
    static func server(_ handedOver: String, _ joining: ListenerAddress) async throws -> (Mesh, ListenerAddress) {
        // docs: server
        let token = try JoinToken(parsing: handedOver)
        let identity = try await JoinClient.join(with: token, host: joining.host, port: joining.port)
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule(
                "the front end orders", methods: ["shop.Shop/Place"], identities: ["spiffe://shop.example/front"])
        ])
        let mesh = try Mesh(identity: identity, policy: policy)
        mesh.serve(Shop.place) { order, call in
            CodableMessage(Receipt(text: "\(order.value.item) for \(call.peer!)"))
        }
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)
        // docs: end
        return (mesh, address)
    }

    /// A process that joins and calls.
    static func client(
        _ handedOver: String, _ joining: ListenerAddress, _ address: ListenerAddress
    ) async throws -> (String, Mesh) {
        // docs: client
        let token = try JoinToken(parsing: handedOver)
        let identity = try await JoinClient.join(with: token, host: joining.host, port: joining.port)
        let mesh = try Mesh(identity: identity, policy: .denyAll)
        let shop = Destination(
            host: address.host, port: address.port,
            identities: [try IdentityPattern(parsing: "spiffe://shop.example/shop")])
        let order = CodableMessage(Order(item: "apple", count: 3))
        let receipt = try await mesh.client(shop).call(Shop.place, order, timeout: .seconds(5)).value
        // docs: end
        return (receipt.text, mesh)
    }
}
