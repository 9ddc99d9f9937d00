import ArgumentParser
import Coordination
import Identity
import MeshTransport
import MeshWire
import ParameterServer

/// What is in a server's log.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Looks at the log of a parameter server that does not run, and changes nothing.",
        subcommands: [Dump.self])

    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Executes the log's records, and shows the partitions that they make.")

        @Argument(help: "The folder that the server's configuration names, or a copy of it.")
        var folder: String

        @Flag(help: "Print one JSON value, for programs.")
        var json = false

        @Option(help: "How many of a tensor's first values, or of a row table's first keys, are shown.")
        var values = 4

        func run() async throws {
            try await Folders.expect(folder)
            var configuration = PartitionLogConfiguration(folder: folder)
            // Whatever the server was told: its records are not larger than half of this.
            configuration.waitingBytes = 2 << 30
            configuration.bytes = 4 << 30
            let contents = try await ServerLogContents(of: configuration, on: SystemRuntime.shared)
            var text = "\(contents.report.entries) entries after position \(contents.report.snapshot)\n"
            if let cut = contents.report.cut {
                text +=
                    "torn at byte \(cut.offset) of \(cut.path): \(cut.bytes) bytes that nobody was told to be safe\n"
            }
            var partitions: [JSON] = []
            for partition in contents.partitions {
                let description = try PartitionDescription(
                    partition.name, partition.snapshot, partition.declaration, values: values)
                text += "\n\(description.text)  \(partition.records) records\n"
                partitions.append(
                    .object([.init("records", .number(partition.records)), .init("partition", description.json)]))
            }
            let cut = contents.report.cut.map { cut in
                JSON.object([
                    .init("file", .string(cut.path)), .init("offset", .number(cut.offset)),
                    .init("bytes", .number(cut.bytes)),
                ])
            }
            Output.write(
                json, text,
                .object([
                    .init("snapshot", .number(contents.report.snapshot)),
                    .init("entries", .number(contents.report.entries)), .init("cut", cut ?? .null),
                    .init("partitions", .array(partitions)),
                ]))
        }
    }
}
