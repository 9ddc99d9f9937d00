import ArgumentParser
import Foundation

/// A benchmark case.
protocol Benchmark: SendableMetatype {
    static var name: String { get }
    static var summary: String { get }
    static func run(isQuick: Bool, into report: inout Report) async throws
}

/// Every case, in the order in which they run.
private let benchmarks: [any Benchmark.Type] = [
    RPCLatency.self, RPCThroughput.self, Transfer.self, Connections.self, PushPull.self, SmallOps.self, Applies.self,
    TrainAsync.self, Failover.self, ParameterTax.self, Scaling.self, TelemetryCosts.self,
    MeshTax.self, Sidecar.self, BalancerCosts.self, PolicyCosts.self, MatrixProducts.self, Elementwise.self,
    Convolutions.self, TensorOverhead.self,
]

@main
struct MeshworkBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meshwork-bench",
        abstract: "Measures Meshwork beside its peers; every side runs in the same process run, in turn.",
        subcommands: [Run.self, ChaosCommand.self, List.self, PeerCommand.self], defaultSubcommand: Run.self)

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
                Progress.say("running \(benchmark.name)…")
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
}
