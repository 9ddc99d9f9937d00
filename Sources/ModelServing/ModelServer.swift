public import Logging
public import MeshTransport
import MeshWire

/// Serves the models of a registry: over the mesh from its making, and over HTTP where its routes are added.
///
/// ```swift
/// let models = ModelServer(registry, on: mesh)
/// try HTTPFront(on: mesh) { router in router.addInference(models) }
/// ```
/// Who may predict is the mesh's policy's decision, by the method `meshwork.serving.Inference/Predict` and the paths
/// below `/v2`. Models compute on the runtime's compute executor.
public struct ModelServer: Sendable {
    /// The models.
    public let registry: ModelRegistry
    let runtime: any Runtime
    let logger: Logger

    /// Serves ``Inference/predict`` on `mesh`.
    public init(_ registry: ModelRegistry, on mesh: Mesh, logger: Logger = Logger(label: "meshwork.serving")) {
        self.registry = registry
        self.runtime = mesh.runtime
        self.logger = logger
        mesh.serve(Inference.predict, execution: .compute) { request, call in
            // The call may have waited for a thread; work that nobody waits for is not begun.
            guard call.timeRemaining > .zero else {
                throw CallFailure(.deadlineExceeded, "the deadline passed before the model ran", hasNotRun: true)
            }
            do throws(ServingError) {
                return try registry.predict(request)
            } catch {
                if error.code == .modelFailed { Self.log(error, logger) }
                throw CallFailure(error.status, error.message, hasNotRun: error.code != .modelFailed)
            }
        }
    }

    static func log(_ error: ServingError, _ logger: Logger) {
        logger.error("prediction failed", metadata: ["error": "\(error)"])
    }
}
