import Foundation

/// Another library of arrays, in a Python process that `Peers/tensor_peer.py` runs: it times its own calls, on as many
/// threads as it was given.
final class TensorPeer {
    /// The libraries that there is a peer for, as the script names them.
    enum Library: String, CaseIterable {
        case torch, numpy

        /// The Debian or PyPI name, for people.
        var title: String { self == .torch ? "PyTorch" : "NumPy" }
    }

    /// What a call took, in nanoseconds.
    struct Timing: Decodable {
        var best: Double
        var median: Double
    }

    /// The library's name and version.
    let name: String
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    /// The libraries that are installed; each that is not is named on standard error.
    static func startAll(threads: Int) throws -> [TensorPeer] {
        try Library.allCases.compactMap { library in
            guard let python = Programs.python(importing: library.rawValue) else {
                Progress.say("skipping \(library.title): \(GRPCIOPeer.missing)")
                return nil
            }
            return try TensorPeer(library, python: python, threads: threads)
        }
    }

    private init(_ library: Library, python: String, threads: Int) throws {
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [
            Programs.package.appendingPathComponent("Peers/tensor_peer.py").path, library.rawValue,
            "--threads", "\(threads)",
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        guard let line = PeerProcess.readLine(from: output.fileHandleForReading),
            let greeting = try? JSONDecoder().decode([String: String].self, from: Data(line.utf8)),
            let name = greeting["name"]
        else {
            process.terminate()
            throw BenchmarkFailure("\(library.title)'s process did not say who it is")
        }
        self.name = name
    }

    /// Nanoseconds of a call of `case`, or `nil` where the library has no such case.
    func time(_ benchmark: String, _ sizes: [Int], repetitions: Int) throws -> Timing? {
        let list = sizes.map(String.init).joined(separator: ",")
        try input.fileHandleForWriting.write(contentsOf: Data("\(benchmark) \(list) \(repetitions)\n".utf8))
        guard let line = PeerProcess.readLine(from: output.fileHandleForReading) else {
            throw BenchmarkFailure("\(name)'s process ended before it had timed \(benchmark)")
        }
        return try? JSONDecoder().decode(Timing.self, from: Data(line.utf8))
    }

    /// Ends the process.
    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
