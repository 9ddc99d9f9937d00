import DigitsKit
import ExampleTestSupport
import Foundation
import ProcessKit
import Testing

/// The main job's processes, on a smaller training set.
@Suite("The demonstration", .serialized, .timeLimit(.minutes(3)))
struct DemonstrationTests {
    static let small = ["--training-examples", "2560", "--epochs", "6", "--seed", "3"]

    static func summaryPath() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("digits-\(UUID().uuidString)/summary.json").path
    }

    /// What must stand in no output and in no file but the operator's key: the first line of a key in PEM.
    static let keyMark = "PRIVATE KEY"

    /// The files beside the summary, by name.
    static func files(beside summaryPath: String) throws -> [String: Data] {
        let folder = (summaryPath as NSString).deletingLastPathComponent
        return try Dictionary(
            uniqueKeysWithValues: FileManager.default.subpathsOfDirectory(atPath: folder).map {
                ($0, try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0)))
            })
    }

    static func remove(_ summaryPath: String) {
        try? FileManager.default.removeItem(atPath: (summaryPath as NSString).deletingLastPathComponent)
    }

    /// The process identifier in a line such as "Started worker 0: process 4711, …".
    private static func processIdentifier(in line: String) -> Int32? {
        line.split(separator: "process ").dropFirst().first.flatMap { Int32($0.prefix { $0.isNumber }) }
    }

    private static func environment(of process: Int32) throws -> [Substring] {
        try String(contentsOfFile: "/proc/\(process)/environ", encoding: .utf8).split(separator: "\0")
    }

    @Test("a worker is lost, training goes on, every push is applied once, and the model is served")
    func mainJob() async throws {
        let path = Self.summaryPath()
        defer { Self.remove(path) }
        let digits = try RunningExample(digits: Self.small + ["--summary", path])
        let lines = await digits.restOfOutput()
        let (status, errors) = await digits.ended()
        #expect(status == 0, "\(errors)")
        #expect(lines.contains { $0.contains("Lost worker") && $0.contains("killed by signal 9") })
        #expect(lines.contains { $0.contains("Every push was applied exactly once") })
        #expect(!(lines + [errors]).contains { $0.contains(Self.keyMark) })
        let files = try Self.files(beside: path)
        #expect(files.keys.sorted() == ["digits.safetensors", "summary.json"])
        #expect(!files.values.contains { $0.firstRange(of: Data(Self.keyMark.utf8)) != nil })

        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let summary = try JSONDecoder().decode(DemonstrationSummary.self, from: data)
        // Far fewer examples and steps than the demo's; by chance it would be 0.1.
        #expect(summary.accuracy.trained > 0.8)
        #expect(abs(summary.accuracy.served - summary.accuracy.trained) < 0.005)
        #expect(summary.workersKilled == 1)
        #expect(summary.pushes.duplicatesSuppressed > 0)
        #expect(summary.pushes.acknowledged <= summary.pushes.applied)
        #expect(summary.pushes.applied <= summary.pushes.sent)
        for partition in summary.partitions {
            #expect(partition.version == partition.counter && partition.version == partition.ledger)
        }
        #expect(summary.partitions.reduce(0) { $0 + $1.ledger } == summary.pushes.applied)
        #expect(summary.tlsVersion == "TLSv1.3")
        #expect(
            summary.identities
                == ["launcher", "coordinator", "server/0", "server/1", "worker/0", "worker/1", "model-server"]
                .map { "spiffe://digits.example/" + $0 })

        let model = (path as NSString).deletingLastPathComponent + "/digits.safetensors"
        #expect(
            try PythonSafetensors.describe(model) == [
                "head/bias float32 [10]", "head/weight float32 [256, 10]", "hidden1/bias float32 [512]",
                "hidden1/weight float32 [784, 512]", "hidden2/bias float32 [256]", "hidden2/weight float32 [512, 256]",
            ])
        // Sums in another order may decide a digit or two that are on the border.
        #expect(abs(try PythonSafetensors.heldOutAccuracy(model) - summary.accuracy.trained) < 2.5 / 1500)
    }

    @Test("a server is killed too and comes back from its log: every push is applied once, and the model is as good")
    func killedServer() async throws {
        let path = Self.summaryPath()
        defer { Self.remove(path) }
        let digits = try RunningExample(digits: Self.small + ["--kill-server", "--summary", path])
        let lines = await digits.restOfOutput()
        let (status, errors) = await digits.ended()
        #expect(status == 0, "\(errors)")
        #expect(lines.contains { $0.contains("Lost server 1: it was killed by signal 9") })
        #expect(lines.count { $0.contains("Started server 1") } == 2)
        #expect(lines.contains { $0.contains("Every push was applied exactly once") })
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let summary = try JSONDecoder().decode(DemonstrationSummary.self, from: data)
        #expect(summary.serversKilled == 1 && summary.workersKilled == 1)
        #expect(summary.accuracy.trained > 0.8)
        for partition in summary.partitions {
            #expect(partition.version == partition.counter && partition.version == partition.ledger)
        }
        #expect(summary.partitions.reduce(0) { $0 + $1.ledger } == summary.pushes.applied)
    }

    @Test(
        "SIGINT and SIGTERM end every process, with the status that a shell expects",
        arguments: [SIGINT, SIGTERM])
    func stopped(signal: Int32) async throws {
        let path = Self.summaryPath()
        let digits = try RunningExample(digits: ["--summary", path])
        #expect(await digits.line(containing: "epoch 1") != nil)
        digits.signal(signal)
        let (status, errors) = await digits.ended()
        #expect(status == 128 + signal)
        #expect(errors.isEmpty, "\(errors)")
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("when the launcher is killed, its children end by themselves")
    func launcherKilled() async throws {
        let digits = try RunningExample(digits: ["--summary", Self.summaryPath()])
        #expect(await digits.line(containing: "epoch 1") != nil)
        digits.signal(SIGKILL)
        // Its end is the end of the last child's standard error.
        #expect(await digits.ended().status == nil)
    }

    @Test(
        "when a child is killed, everything ends with an error that names it",
        arguments: ["coordinator", "server 1", "worker 0"])
    func childKilled(name: String) async throws {
        let digits = try RunningExample(digits: ["--summary", Self.summaryPath()])
        let started = try #require(await digits.line(containing: "Started \(name)"))
        let child = try #require(Self.processIdentifier(in: started))
        #expect(await digits.line(containing: "epoch 1") != nil)
        kill(child, SIGKILL)
        let (status, errors) = await digits.ended()
        #expect(status == 1)
        #expect(errors.contains("\(name) (process \(child)) was killed by signal 9"), "\(errors)")
    }

    @Test(
        "a role that is started by hand says how to start it",
        arguments: ["coordinator", "server", "worker", "model-server"])
    func byHand(role: String) async throws {
        let (status, errors) = await (try RunningExample(digits: [role])).ended()
        #expect(status == 1)
        #expect(errors.contains("run `digits` instead"))
    }

    @Test(
        "no token stands in a child's arguments or environment",
        .enabled(if: FileManager.default.fileExists(atPath: "/proc/self")))
    func secrets() async throws {
        let digits = try RunningExample(digits: ["--summary", Self.summaryPath()])
        for name in ["server 0", "worker 1"] {
            let started = try #require(await digits.line(containing: "Started \(name)"))
            let child = try #require(Self.processIdentifier(in: started))
            let arguments = try String(contentsOfFile: "/proc/\(child)/cmdline", encoding: .utf8).split(separator: "\0")
            #expect(arguments.count == 2)
            // Nothing is added but the number of compute threads.
            let environment = Set(try Self.environment(of: child)).subtracting(["MESHWORK_THREADS=1"])
            #expect(environment == Set(try Self.environment(of: digits.processIdentifier)))
        }
        digits.signal(SIGTERM)
        _ = await digits.ended()
    }
}
