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

    @Option(help: "Followers of each partition: other servers that have it too.")
    var followers = 1

    @Flag(help: "Give each server a network namespace, and cut its link off; needs `ip` and root.")
    var namespaces = false

    @Option(help: "What a push waits for before it is acknowledged: the disk, or the system.")
    var sync = Sync.disk

    @Option(help: "Also write the JSON lines to this file.")
    var json: String?

    /// The command that repeats the schedule.
    var replay: String {
        "meshwork-bench chaos --seed \(seed) --seconds \(seconds) --servers \(servers) --workers \(workers) "
            + "--followers \(followers) --sync \(sync)" + (namespaces ? " --namespaces" : "")
    }

    func validate() throws {
        if seconds < 20 { throw ValidationError("--seconds \(seconds): at least 20") }
        for (name, value) in [("servers", servers), ("workers", workers)] where !(1...64).contains(value) {
            throw ValidationError("--\(name) \(value): from 1 to 64")
        }
        guard (0..<servers).contains(followers) else {
            throw ValidationError("--followers \(followers): from 0 to one less than --servers, \(servers)")
        }
    }
}

/// `chaos`: kills, stops and cuts off the processes of a job, and then counts.
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Kills, stops and cuts off the processes of a job while it counts; then every count must agree.",
        discussion: """
            A coordinator with its store, parameter servers with their logs that follow each other, and workers, processes \
            of their own over mutual TLS and through proxies that lose, delay and cut off. Each push adds one to every \
            element. At the end every partition has its followers back, and in every partition: applied pushes = audit counter = ids in the ledger = the value of every element; every \
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
