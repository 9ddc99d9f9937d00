import ArgumentParser
package import MeshWire
import NeuralNetwork
import Optimizers
package import ParameterServer
package import ProcessKit
import Tensor
package import Training

/// What a worker of the example trains.
package enum RecommenderJob: TrainingJob {
    package static func train(
        _ configuration: RoleConfiguration.Worker, _ client: ParameterClient, on runtime: any Runtime,
        _ progress: ProgressReports
    ) async throws {
        let plan = configuration.plan
        let census = try Census(path: configuration.dataPaths[0])
        try await client.declare(
            // Every partition has a follower on another server.
            try CensusModel.declaration(RandomKey(seed: plan.seed).foldIn("parameters")).tables(
                updateRule: .adam(learningRate: plan.learningRate), rowPartitions: Recommendation.serverCount,
                replicas: 1))
        try await progress.train(trainer(client, runtime), from: configuration.firstStep) { epoch in
            CensusBatches(census, plan, slot: configuration.slot, epoch: epoch)
        }
    }

    /// A trainer of the model, wherever its parameters are.
    package static func trainer(_ parameters: any ParameterStore, _ runtime: any Runtime) -> Trainer<CensusModel> {
        var trainer = Trainer(CensusModel(), parameters: parameters, runtime: runtime) { scores, labels in
            try binaryCrossEntropy(scores, labels.cast(to: Float.self))
        }
        trainer.prefetchesRows = true
        return trainer
    }
}

/// `recommender worker`, which the launcher starts.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

    func run() async throws {
        throw ExitCode(try await RoleProcess.run(WorkerRole<RecommenderJob>.self))
    }
}
