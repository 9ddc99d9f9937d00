import Foundation

/// `client.py`, and a Python that can run it.
struct PythonProgram {
    private let python: String

    /// The Python at `path`, or one that has grpcio; `nil` where there is none.
    ///
    /// - Throws: ``PythonClientError`` where `path` was named and has none.
    init?(_ path: String?) throws {
        if let path {
            guard Self.hasGRPC(path) else { throw PythonClientError("\(path) is no Python with grpcio") }
            python = path
            return
        }
        let candidates = [Self.project.appending(path: ".build/python/bin/python3").path, "python3"]
        guard let found = candidates.first(where: Self.hasGRPC) else { return nil }
        python = found
    }

    /// Generates the stubs and runs the program; the answer is what it printed.
    ///
    /// - Throws: ``PythonClientError`` if either fails.
    func train(at port: Int, credentials: URL) async throws -> [Substring] {
        let stubs = credentials.appending(path: "stubs")
        let generation = try await Self.ending(of: [Self.example("generate-stubs.sh"), stubs.path, python])
        guard generation.status == 0 else { throw PythonClientError("the stubs could not be generated") }
        let (status, output) = try await Self.ending(
            of: [
                python, "-B", Self.example("client.py"), "--address", "localhost:\(port)", "--credentials",
                credentials.path, "--stubs", stubs.path, "--read-only", "reference",
            ])
        guard status == 0 else {
            throw PythonClientError("the Python program failed; what it said stands above, and before that:\n\(output)")
        }
        return output.split(separator: "\n")
    }

    /// How a person runs it.
    static func instructions(port: Int, credentials: URL) -> String {
        """
        \(example("generate-stubs.sh")) /tmp/stubs
        python3 \(example("client.py")) --address localhost:\(port) --stubs /tmp/stubs --credentials \(credentials.path)
        """
    }

    /// The project's folder.
    private static let project = (0..<4).reduce(URL(filePath: #filePath)) { folder, _ in
        folder.deletingLastPathComponent()
    }

    private static func example(_ file: String) -> String {
        project.appending(path: "Examples/PythonClient/\(file)").path
    }

    private static func hasGRPC(_ python: String) -> Bool {
        guard let (process, output) = try? start([python, "-c", "import grpc, grpc_tools"]) else { return false }
        _ = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Runs a program to its end, on a thread of its own: this process serves meanwhile.
    private static func ending(of command: [String]) async throws -> (status: Int32, output: String) {
        let (process, output) = try start(command, complaints: .standardError)
        return await withCheckedContinuation { ended in
            Thread.detachNewThread {
                let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                process.waitUntilExit()
                ended.resume(returning: (process.terminationStatus, text))
            }
        }
    }

    private static func start(
        _ command: [String], complaints: FileHandle = .nullDevice
    ) throws -> (Process, Pipe) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = complaints
        try process.run()
        return (process, output)
    }
}
