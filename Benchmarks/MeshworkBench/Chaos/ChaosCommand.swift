import ArgumentParser
import Foundation

/// What a run is asked for.
struct ChaosOptions: ParsableArguments {
    /// What a push waits for before it is acknowledged.
    enum Sync: String, ExpressibleByArgument, CaseIterable {
        case disk, process
    }

    @Option(help: "How long it runs, in seconds.")
    var seconds = 600

    @Option(help: "What the schedule, the losses and the duplicates follow from (default: another each time).")
    var seed = UInt64.random(in: 0..<1_000_000)

    @Option(help: "Parameter servers.")
    var servers = 3

    @Option(help: "Workers.")
    var workers = 4

    @Option(help: "What a push waits for before it is acknowledged: the disk, or the system.")
    var sync = Sync.disk

    @Option(help: "Also write the JSON lines to this file.")
    var json: String?

    /// The command that repeats the schedule.
    var replay: String {
        "meshwork-bench chaos --seed \(seed) --seconds \(seconds) --servers \(servers) --workers \(workers) --sync \(sync)"
    }

    func validate() throws {
        if seconds < 20 { throw ValidationError("--seconds \(seconds): at least 20") }
        for (name, value) in [("servers", servers), ("workers", workers)] where !(1...64).contains(value) {
            throw ValidationError("--\(name) \(value): from 1 to 64")
        }
    }
}

/// `chaos`: kills, stops and cuts off the processes of a job, and then counts.
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Kills, stops and cuts off the processes of a job while it counts; then every count must agree.",
        discussion: """
            A coordinator with its store, parameter servers with their logs and workers, processes of their own over \
            mutual TLS and through proxies that lose, delay and cut off. Each push adds one to every element. At the end, \
            in every partition: applied pushes = audit counter = ids in the ledger = the value of every element; every \
            acknowledged push is among them, and none that was not sent. The exit status is 1 where anything differs.
            """)

    @OptionGroup var options: ChaosOptions

    func run() async throws {
        DescriptorLimit.raise()
        Progress.say("running chaos for \(options.seconds) s: \(options.replay)")
        let report = try await ChaosRun.run(options)
        let lines = try report.figures.jsonLines()
        print(lines, terminator: "")
        print(report.text, terminator: "")
        if let json = options.json { try lines.write(toFile: json, atomically: true, encoding: .utf8) }
        guard report.violations.isEmpty else { throw ExitCode.failure }
    }
}
