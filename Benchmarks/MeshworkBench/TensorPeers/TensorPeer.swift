import Foundation

/// Another library of arrays, in a Python process that `Peers/tensor_peer.py` runs: it times its own calls, on as many
/// threads as it was given.
final class TensorPeer {
    /// The libraries that there is a peer for, as the script names them.
    enum Library: String, CaseIterable {
        case torch, numpy

        /// The name that people know it by.
        var title: String { self == .torch ? "PyTorch" : "NumPy" }
    }

    /// What a call took, in nanoseconds.
    private struct Timing: Decodable {
        var best: Double
        var median: Double
    }

    /// The threads that cases of tensors are measured on, one after the other.
    static var threadCounts: [Int] { ProcessInfo.processInfo.activeProcessorCount > 1 ? [1, 2] : [1] }

    let library: Library
    /// The library's name and version.
    let name: String
    private let clock: StepTimer.Clock
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    /// What a call with the smallest operands took, for each case.
    private var callTimes: [String: Double] = [:]

    /// The libraries that are installed; each that is not is named on standard error.
    static func start(_ libraries: [Library] = Library.allCases, threads: Int) throws -> [TensorPeer] {
        try libraries.compactMap { library in
            guard let python = Programs.python(importing: library.rawValue) else {
                Progress.say("skipping \(library.title): \(GRPCIOPeer.missing)")
                return nil
            }
            return try TensorPeer(library, python: python, threads: threads)
        }
    }

    private init(_ library: Library, python: String, threads: Int) throws {
        self.library = library
        clock = StepTimer.Clock(threads: threads)
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

    /// Nanoseconds of a call of a case, by the clock that ours are timed by; `nil` where the library has no such case.
    func nanoseconds(_ benchmark: String, _ sizes: [Int], repetitions: Int) throws -> Double? {
        let list = sizes.map(String.init).joined(separator: ",")
        try input.fileHandleForWriting.write(contentsOf: Data("\(benchmark) \(list) \(repetitions)\n".utf8))
        guard let line = PeerProcess.readLine(from: output.fileHandleForReading) else {
            throw BenchmarkFailure("\(name)'s process ended before it had timed \(benchmark)")
        }
        // Threads of OpenMP keep a core busy for 200 ms, to be ready for another call; what is timed next needs that core.
        if clock == .wall { usleep(250_000) }
        let timing = try? JSONDecoder().decode(Timing.self, from: Data(line.utf8))
        return clock == .processor ? timing?.median : timing?.best
    }

    /// Nanoseconds of a call of a case beyond what one with the `smallest` operands takes, most of which is Python's and
    /// not the library's; that is measured once.
    func nanoseconds(
        _ benchmark: String, _ sizes: [Int], smallest: [Int], repetitions: Int
    ) throws -> Double? {
        if callTimes[benchmark] == nil {
            callTimes[benchmark] = try nanoseconds(benchmark, smallest, repetitions: 2_000)
        }
        guard let call = callTimes[benchmark] else { return nil }
        return try nanoseconds(benchmark, sizes, repetitions: repetitions).map { max(1, $0 - call) }
    }

    /// Ends the process.
    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
