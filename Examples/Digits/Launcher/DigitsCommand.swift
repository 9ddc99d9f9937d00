package import ArgumentParser
import Foundation
import ProcessKit

/// `digits`: the launcher.
package struct DigitsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "digits",
        abstract: "Trains handwritten digits on a small mesh of processes, loses a worker, and serves the model.",
        usage: "digits [options]",
        discussion: """
            Starts a coordinator (which is the certificate authority too), two parameter servers, two workers and a \
            model server as processes on loopback, connected by mutual TLS 1.3. A third of the way in, it kills a worker \
            and starts another; at the end it checks that every push was applied exactly once, and sends the held-out \
            digits to the model server.
            """,
        subcommands: [CoordinatorCommand.self, ServerCommand.self, WorkerCommand.self, ModelServerCommand.self])

    @OptionGroup var options: DemonstrationOptions

    package init() {}

    package func run() async throws {
        // Six processes share the machine: one compute thread each, unless the user says otherwise. Before any other
        // thread exists, and inherited by the children.
        _ = unsafe setenv("MESHWORK_THREADS", "1", 0)
        throw ExitCode(try await Demonstration.run(options))
    }
}
