import ArgumentParser
import Coordination
import Identity
import MeshTransport
import MeshWire
import ParameterServer

/// What is in a folder of checkpoints.
struct CheckpointCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Looks at a folder of checkpoints, and changes nothing.",
        subcommands: [List.self, Show.self, Verify.self, Dump.self])

    /// What every subcommand is given.
    struct Place: ParsableArguments {
        @Argument(help: "The folder that the servers' configuration names.")
        var folder: String

        @Flag(help: "Print one JSON value, for programs.")
        var json = false

        func open() async throws -> CheckpointFolder {
            try await Folders.expect(folder)
            return CheckpointFolder(folder, on: SystemRuntime.shared)
        }
    }

    /// Which checkpoint.
    struct Choice: ParsableArguments {
        @Option(help: "The checkpoint's step. Default: the last one.")
        var step: UInt64?

        func manifest(in folder: CheckpointFolder) async throws -> CheckpointManifest {
            let last = try await folder.steps().last
            guard let step = step ?? last else { throw ValidationError("\(folder.path) has no checkpoint") }
            return try await folder.manifest(step)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the checkpoints, and whose manifest is damaged.")

        @OptionGroup var place: Place

        func run() async throws {
            let folder = try await place.open()
            var table = TextTable("step", "job", "tables", "partitions", "bytes")
            var values: [JSON] = []
            var damaged = false
            for step in try await folder.steps() {
                do throws(ParameterServerError) {
                    let manifest = try await folder.manifest(step)
                    let partitions = manifest.files.count
                    table.add(
                        "\(step)", manifest.job, "\(manifest.tables.count)", "\(partitions)", "\(manifest.byteCount)")
                    values.append(
                        .object([
                            .init("step", .number(step)), .init("job", .string(manifest.job)),
                            .init("tables", .number(manifest.tables.count)), .init("partitions", .number(partitions)),
                            .init("bytes", .number(manifest.byteCount)),
                        ]))
                } catch {
                    damaged = true
                    table.add("\(step)", error.message)
                    values.append(.object([.init("step", .number(step)), .init("error", .string(error.message))]))
                }
            }
            Output.write(place.json, table.text, .array(values))
            if damaged { throw ExitCode.failure }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a checkpoint's partitions: versions, sizes, and what each living session had applied.")

        @OptionGroup var place: Place
        @OptionGroup var choice: Choice

        func run() async throws {
            let manifest = try await choice.manifest(in: try await place.open())
            var table = TextTable("partition", "version", "counter", "bytes", "sessions")
            for file in manifest.files {
                let sessions = file.entry.sessions.map { "slot \($0.slot): \($0.applied)" }.joined(separator: "; ")
                table.add(
                    "\(file.name)", "\(file.entry.version)", "\(file.entry.counter)", "\(file.entry.byteCount)",
                    sessions)
            }
            let head = "job \(manifest.job), step \(manifest.step), map version \(manifest.mapVersion)\n"
            // The manifest is JSON already.
            if place.json { Output.write(manifest.bytes) } else { Output.write(head + table.text) }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads every byte of a checkpoint, or of all, and compares it with the manifest.")

        @OptionGroup var place: Place

        @Option(help: "The checkpoint's step. Default: all.")
        var step: UInt64?

        func run() async throws {
            let folder = try await place.open()
            var table = TextTable("step", "result")
            var values: [JSON] = []
            var isWhole = true
            let all = try await folder.steps()
            for step in step.map({ [$0] }) ?? all {
                var result = "whole"
                do throws(ParameterServerError) {
                    try await folder.verify(try await folder.manifest(step))
                } catch {
                    result = error.description
                    isWhole = false
                }
                table.add("\(step)", result)
                values.append(.object([.init("step", .number(step)), .init("result", .string(result))]))
            }
            Output.write(place.json, table.text, .array(values))
            if !isWhole { throw ExitCode.failure }
        }
    }

    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Looks into partitions: versions, shapes, norms, first values, and every session's pushes.")

        @OptionGroup var place: Place
        @OptionGroup var choice: Choice

        @Option(help: "A partition, as table#index. May be repeated. Default: all.")
        var partition: [String] = []

        @Option(help: "How many of a tensor's first values, or of a row table's first keys, are shown.")
        var values = 4

        func run() async throws {
            let folder = try await place.open()
            let manifest = try await choice.manifest(in: folder)
            let files = manifest.files.filter { partition.isEmpty || partition.contains("\($0.name)") }
            for name in partition where !files.contains(where: { "\($0.name)" == name }) {
                throw ValidationError("checkpoint \(manifest.step) has no partition \(name)")
            }
            var descriptions: [PartitionDescription] = []
            for file in files {
                let snapshot = try await folder.read(file, step: manifest.step)
                descriptions.append(try PartitionDescription(file.name, snapshot, file.declaration, values: values))
            }
            Output.write(
                place.json, descriptions.map(\.text).joined(separator: "\n"), .array(descriptions.map(\.json)))
        }
    }
}
