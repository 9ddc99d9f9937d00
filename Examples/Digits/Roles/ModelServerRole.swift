import ArgumentParser
import Identity
import MeshHTTP
import MeshTransport
import ModelServing
import ProcessKit
import Tensor

/// The model server: answers predictions over the mesh and over HTTP, and shows its metrics, all on one port.
enum ModelServerRole: Role {
    static func configuration(in start: RoleConfiguration) -> RoleConfiguration.ModelServer? {
        guard case .modelServer(let configuration) = start else { return nil }
        return configuration
    }

    static func run(_ configuration: RoleConfiguration.ModelServer, control: RoleControl) async throws {
        let member = try await Member.join(
            configuration.membership, policy: try Policies(of: configuration.membership).modelServer())
        let mesh = member.mesh
        let registry = ModelRegistry(runtime: mesh.runtime, metrics: mesh.metrics)
        try registry.load(
            configuration.modelName, version: configuration.modelVersion,
            from: .safetensors(configuration.modelPath), as: Perceptron(),
            input: TensorDeclaration("image", shape: [-1, 784]), output: "logits")
        let models = ModelServer(registry, on: mesh, logger: ProcessLog.logger)
        try HTTPFront(on: mesh, logger: ProcessLog.logger) { router in
            router.addInference(models)
            router.addMetrics(mesh.metrics)
        }
        let address = try await mesh.listen(host: "127.0.0.1", port: configuration.httpPort)
        try await member.whileRunning {
            try control.report(
                .ready(
                    .init(
                        spiffeID: mesh.identity.current.svid.spiffeID.description,
                        ports: ["http": address.port, "mesh": address.port])))
            try await control.untilStopped { command in
                guard case .reportConnections = command else { return }
                try control.report(.connections(mesh.connectionFigures))
            }
        }
    }
}

/// `digits model-server`, which the launcher starts.
struct ModelServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "model-server", shouldDisplay: false)

    func run() async throws {
        throw ExitCode(try await RoleProcess.run(ModelServerRole.self))
    }
}
