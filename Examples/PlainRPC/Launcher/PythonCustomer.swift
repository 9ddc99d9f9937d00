import Foundation

/// Orders with Python's grpcio.
struct PythonCustomer {
    private let python: String

    /// The Python at `path`, or one that has grpcio; `nil` where there is none.
    ///
    /// - Throws: ``PlainRPCError`` where `path` was named and has none.
    init?(_ path: String?) throws {
        if let path {
            guard Self.hasGRPC(path) else { throw PlainRPCError("\(path) is no Python with grpcio") }
            python = path
            return
        }
        let candidates = [Self.project.appending(path: ".build/python/bin/python3").path, "python3"]
        guard let found = candidates.first(where: Self.hasGRPC) else { return nil }
        python = found
    }

    /// Runs the script; each line that it prints is a call.
    ///
    /// - Throws: ``PlainRPCError`` if it fails.
    func order(at port: Int, certifiedBy authority: ShopAuthority) throws -> [Visit] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "plain-rpc-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try authority.writeCredentials(of: SPIFFEIDs.pythonCustomer, to: folder)
        let script = Self.project.appending(path: "Examples/PlainRPC/Orders/orders_client.py")
        let (status, output) = try Self.run(
            python, ["-B", script.path, "--port", "\(port)", "--credentials", folder.path])
        guard status == 0 else { throw PlainRPCError("the Python customer failed; what it said stands above") }
        return output.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard parts.count == 3, let microseconds = Double(parts[2]) else { return nil }
            return Visit(
                wire: "gRPC", method: String(parts[0]), answer: String(parts[1]), microseconds: microseconds)
        }
    }

    /// The project's folder.
    private static let project = (0..<4).reduce(URL(filePath: #filePath)) { folder, _ in
        folder.deletingLastPathComponent()
    }

    private static func hasGRPC(_ python: String) -> Bool {
        let modules = "import grpc, grpc_tools, grpc_health, grpc_reflection"
        return (try? run(python, ["-c", modules], quietly: true).status) == 0
    }

    private static func run(
        _ program: String, _ arguments: [String], quietly: Bool = false
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        if quietly { process.standardError = FileHandle.nullDevice }
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
