import ArgumentParser

/// Looks at what parameter servers have written to disk.
@main
struct MeshworkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meshwork", abstract: "Looks at checkpoints and logs of parameter servers.",
        subcommands: [CheckpointCommand.self, LogCommand.self])
}
