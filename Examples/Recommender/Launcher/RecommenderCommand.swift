package import ArgumentParser
import Foundation
import ProcessKit

/// `recommender`: the launcher.
package struct RecommenderCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "recommender",
        abstract:
            "Trains embeddings of census records on replicated parameter servers, and loses a worker and a server.",
        usage: "recommender [options]",
        discussion: """
            Starts a coordinator (which is the certificate authority too), three parameter servers whose partitions follow \
            each other, and three workers as processes on loopback, connected by mutual TLS 1.3. On the way it kills a worker, \
            which another replaces, and a server, whose followers go on; at the end it checks that every push was applied \
            exactly once, and how well the model knows records that no worker has seen.
            """,
        subcommands: [CoordinatorCommand.self, ServerCommand.self, WorkerCommand.self])

    @OptionGroup var options: RecommenderOptions

    package init() {}

    package func run() async throws {
        // Seven processes share the machine: one compute thread each, unless the user says otherwise. Before any other
        // thread exists, and inherited by the children.
        _ = unsafe setenv("MESHWORK_THREADS", "1", 0)
        throw ExitCode(try await Recommendation.run(options))
    }
}

/// What a run of the example can be asked for.
package struct RecommenderOptions: ParsableArguments {
    @Option(help: "Passes of the workers over the 32,561 records that train.")
    package var epochs = 4

    @Option(help: "Seeds the initial parameters, the order of the records and the lost replies.")
    package var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Where to write the figures of the run.", valueName: "path"))
    package var summary = ".build/recommender/summary.json"

    package init() {}

    package func validate() throws {
        if epochs < 1 { throw ValidationError("--epochs \(epochs): at least 1") }
    }
}
