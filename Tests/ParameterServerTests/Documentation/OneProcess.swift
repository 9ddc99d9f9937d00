import Coordination
import MeshTransport
import Optimizers
import ParameterServer
import Tensor

/// The code of `OneProcess.md`: each region is a block of the page.
enum OneProcess {
    static func server(_ mesh: Mesh) async throws -> (Coordinator, ListenerAddress) {
        // docs: server
        let coordinator = try await Coordinator(on: mesh)
        let server = try ParameterServer(standalone: coordinator)
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)
        try await server.register(at: address)
        // docs: end
        return (coordinator, address)
    }

    static func client(_ mesh: Mesh, _ server: Destination) async throws -> NamedTensors {
        // docs: client
        let coordination = CoordinationClient(mesh, coordinator: server)
        let parameters = try await coordination.withSession { session in
            let client = try ParameterClient(session, coordination)
            defer { client.close() }
            try await client.declare([
                try TableDeclaration(
                    name: "weight", shape: [4], initializer: .zeros, key: RandomKey(seed: 1),
                    updateRule: .sgd(learningRate: 0.5))
            ])
            _ = try await client.push(NamedTensors([("weight", .full([4], Float(1)))]))
            return try await client.pull()
        }
        // docs: end
        return parameters
    }

    static func restricted() throws -> ParameterServerConfiguration {
        // docs: policy
        var configuration = ParameterServerConfiguration()
        configuration.tablePolicy = try TablePolicy(rules: [
            .init("trainers", tables: ["model/*"], verbs: [.pull, .push], identities: ["spiffe://shop/trainer/*"]),
            .init("everybody reads", tables: ["*"], verbs: [.pull], identities: ["spiffe://shop/*"]),
        ])
        // docs: end
        return configuration
    }
}
