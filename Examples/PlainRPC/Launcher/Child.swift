import Foundation

/// A process of the shop, as the launcher has it.
final class Child {
    /// Where it serves.
    let port: Int
    private let process: Process
    private let input: Pipe

    /// Starts this program in another role, and waits until it serves.
    init(_ role: String, _ invitation: Member.Invitation) throws {
        process = Process()
        input = Pipe()
        let output = Pipe()
        process.executableURL = Bundle.main.executableURL
        process.arguments = [role]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(try JSONEncoder().encode(invitation) + Data("\n".utf8))
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8) { line += byte }
        guard let port = Int(String(decoding: line, as: UTF8.self)) else {
            throw PlainRPCError("the process of role \(role) ended before it served; what it said stands above")
        }
        self.port = port
    }

    deinit { stop() }

    /// Has it finish its calls and end: its input ends, also when this process is killed.
    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
