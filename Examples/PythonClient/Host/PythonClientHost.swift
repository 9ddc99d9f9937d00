import ArgumentParser
import Coordination
import Foundation

/// `python-client`: a parameter server in this process, and a Python program with `grpcio` that trains on it.
@main
struct PythonClientHost: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "python-client",
        abstract: "A parameter server of its own, which Python's grpcio pulls from and pushes to over mutual TLS.",
        discussion: """
            Starts a server with its coordinator in this process, gives a Python program certificate and key, and runs \
            it: it pushes, sends pushes again, and reads the audit. Then looks at the same tables from Swift.
            """)

    @Option(help: "A Python with grpcio and grpcio-tools.")
    var python: String?

    @Flag(help: "Only serve, and say how to run the program by hand; until the input ends.")
    var serve = false

    func run() async throws {
        let python = try PythonProgram(python)
        guard python != nil || serve else {
            say("No Python with grpcio was found; Scripts/install-prerequisites.sh test makes one.")
            return
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "python-client-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let deployment = try await Deployment.start()
        try deployment.writeCredentials(of: SPIFFEIDs.python, to: folder)
        say("\(SPIFFEIDs.server) listens on localhost:\(deployment.port)\n")
        // Sessions end with their leases only while the coordinator runs.
        try await withThrowingTaskGroup { group in
            group.addTask { try await deployment.coordinator.run() }
            if serve {
                say(PythonProgram.instructions(port: deployment.port, credentials: folder))
                await Self.untilInputEnds()
            } else if let python {
                say("Python's grpcio, \(SPIFFEIDs.python):")
                for line in try await python.train(at: deployment.port, credentials: folder) { say("  \(line)") }
                say("\nThe same table from Swift, \(SPIFFEIDs.operator):")
                for line in try await deployment.inspect() { say("  \(line)") }
            }
            group.cancelAll()
        }
        await deployment.stop()
    }

    /// Prints at once, also where the output is no terminal: whoever reads it waits for where to call.
    private func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

    private static func untilInputEnds() async {
        await withCheckedContinuation { (ended: CheckedContinuation<Void, Never>) in
            // A thread of its own: reading blocks it.
            Thread.detachNewThread {
                while readLine() != nil {}
                ended.resume()
            }
        }
    }
}

/// Who is who.
enum SPIFFEIDs {
    static let trustDomain = "tables.example"
    static let server = "spiffe://tables.example/server"
    static let python = "spiffe://tables.example/trainer/python"
    static let `operator` = "spiffe://tables.example/operator"
}

/// What went wrong, for a person.
struct PythonClientError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
