import Coordination
import Identity
import MeshTransport
import NIOPosix
import NeuralNetwork
import Optimizers
import ParameterServer
import Tensor
import Training

/// A worker that trains a perceptron on batches of its own, against a server.
struct TrainingWorker: Sendable {
    private let trainer: Trainer<Perceptron>
    private let batches: ShufflingBatches

    /// - Parameter port: the server's, which coordinates as well.
    init(port: Int, identity: any IdentitySource) async throws {
        let runtime = SystemRuntime(
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: 1), computeExecutor: ComputeExecutor.shared)
        let mesh = try Mesh(identity: identity, policy: .denyAll, runtime: runtime)
        let coordination = CoordinationClient(mesh, coordinator: try MeshSide.destination(port: port))
        let client = try ParameterClient(try await coordination.openSession(), coordination)
        let model = Perceptron()
        let key = RandomKey(seed: 1)
        try await client.declare(
            try initialize(model, key: key, example: [1, Perceptron.features])
                .tables(updateRule: .sgd(learningRate: 0.01)))
        trainer = Trainer(model, parameters: client, runtime: runtime)
        let examples = 8 * Perceptron.batch
        batches = try ShufflingBatches(
            inputs: .normal([examples, Perceptron.features], key: key),
            labels: Tensor<Int32>(AnyTensor.full([examples], Int32(3))),
            batchSize: Perceptron.batch, key: key)
    }

    /// Takes so many steps, one after the other.
    func train(_ steps: Int) async throws {
        var (left, epoch) = (steps, 0)
        while left > 0 {
            let some = batches.epoch(epoch).prefix(left)
            try await trainer.train(on: some)
            left -= some.count
            epoch += 1
        }
    }
}

/// 784-512-256-10.
struct Perceptron: Model {
    static let features = 784
    static let batch = 128

    func callAsFunction(_ input: Tensor<Float>, _ parameters: ParameterScope) throws -> Tensor<Float> {
        let first = try parameters["first"].dense(input, 512, activation: .relu)
        let second = try parameters["second"].dense(first, 256, activation: .relu)
        return try parameters["head"].dense(second, 10)
    }
}
