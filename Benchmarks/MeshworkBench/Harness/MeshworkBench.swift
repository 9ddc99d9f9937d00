import ArgumentParser
import Foundation
import Identity
import MeshTransport
import MeshWire
import NIOCore

/// A benchmark case.
protocol Benchmark: SendableMetatype {
    static var name: String { get }
    static var summary: String { get }
    static func run(isQuick: Bool, into report: inout Report) async throws
}

/// Every case, in the order in which they run.
private let benchmarks: [any Benchmark.Type] = [RPCLatency.self, RPCThroughput.self, PushPull.self]

@main
struct MeshworkBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meshwork-bench",
        abstract: "Measures Meshwork beside its peers; every side runs in the same process run, in turn.",
        subcommands: [Run.self, List.self, Peer.self], defaultSubcommand: Run.self)

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Runs cases and prints a figure a line.")

        @Argument(help: "The cases to run; see `list`.")
        var cases: [String]

        @Flag(help: "Fewer and shorter rounds: to see that a case works, not to quote.")
        var quick = false

        @Option(help: "Also write the JSON lines to this file.")
        var json: String?

        func validate() throws {
            let names = benchmarks.map { $0.name }
            for name in cases where !names.contains(name) {
                throw ValidationError("there is no case \"\(name)\"; there are \(names.joined(separator: ", "))")
            }
        }

        func run() async throws {
            var report = Report()
            for benchmark in benchmarks where cases.contains(benchmark.name) {
                FileHandle.standardError.write(Data("running \(benchmark.name)…\n".utf8))
                try await benchmark.run(isQuick: quick, into: &report)
            }
            let lines = try report.jsonLines()
            print(lines, terminator: "")
            print(report.table(), terminator: "")
            if let json { try lines.write(toFile: json, atomically: true, encoding: .utf8) }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Names the cases.")

        func run() {
            for benchmark in benchmarks { print("\(benchmark.name)\t\(benchmark.summary)") }
        }
    }

    struct Peer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A server process of a case; started by the cases.", shouldDisplay: false)

        @Argument var role: String

        func run() async throws {
            let identity = try PeerCredentials.fromStandardInput().identity()
            let port: Int?
            var parameters: (mesh: Mesh, port: Int, parts: [any Sendable])?
            switch role {
            case "bare-echo": port = try await BarePeer.serve(.echo, as: identity.current).localAddress?.port
            case "bare-sink": port = try await BarePeer.serve(.sink, as: identity.current).localAddress?.port
            case "mesh":
                let mesh = try MeshSide.server(identity: identity)
                mesh.serveInline(BenchmarkService.echo) { message, _ in message }
                mesh.serveInline(BenchmarkService.sink) { _, _ in EmptyMessage() }
                port = try await mesh.listen(host: "127.0.0.1", port: 0).port
            case "parameters":
                parameters = try await ParameterSide.start(identity: identity)
                port = parameters?.port
            default: throw ValidationError("there is no role \"\(role)\"")
            }
            guard let port else { throw BenchmarkFailure("the \(role) server has no port") }
            FileHandle.standardOutput.write(Data("\(port)\n".utf8))
            // The parent closes the pipe when it is done, or when it dies.
            while readLine() != nil {}
            withExtendedLifetime(parameters) {}
        }
    }
}
