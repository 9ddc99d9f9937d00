import ArgumentParser
import MeshWire
import NeuralNetwork
import Optimizers
import ParameterServer
import ProcessKit
import Tensor
import Training

/// What a worker of the demonstration trains.
enum DigitsJob: TrainingJob {
    static func train(
        _ configuration: RoleConfiguration.Worker, _ client: ParameterClient, on runtime: any Runtime,
        _ progress: ProgressReports
    ) async throws {
        let plan = configuration.plan
        let digits = try DigitFiles(
            imagesPath: configuration.dataPaths[0], labelsPath: configuration.dataPaths[1], 0..<plan.examples)
        let key = RandomKey(seed: plan.seed)
        let batches = try ShufflingBatches(
            inputs: digits.images, labels: digits.labels, batchSize: plan.batchSize, key: key.foldIn("order")
        ).shard(index: configuration.slot, of: plan.slots)
        try await client.declare(
            try initialize(Perceptron(), key: key.foldIn("parameters"), example: [1, 784])
                .tables(updateRule: .adam(learningRate: plan.learningRate)))

        try await progress.train(
            Trainer(Perceptron(), parameters: client, runtime: runtime), from: configuration.firstStep
        ) { batches.epoch($0) }
    }
}

/// `digits worker`, which the launcher starts.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

    func run() async throws {
        throw ExitCode(try await RoleProcess.run(WorkerRole<DigitsJob>.self))
    }
}
