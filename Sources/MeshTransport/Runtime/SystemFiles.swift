import MeshWire
import NIOPosix

/// The system's files, read on NIO's pool of threads that may block.
struct SystemFiles: RuntimeFiles {
    private let pool = NIOThreadPool.singleton

    func version(of path: String) async throws(FileAccessError) -> FileVersion {
        try await blocking { () throws(FileAccessError) in try FileReader.version(of: path) }
    }

    func read(_ path: String, limit: Int) async throws(FileAccessError) -> (bytes: [UInt8], version: FileVersion) {
        try await blocking { () throws(FileAccessError) in try FileReader.read(path, limit: limit) }
    }

    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(FileAccessError) -> Value
    ) async throws(FileAccessError) -> Value {
        do {
            return try await pool.runIfActive { try body() }
        } catch let error as FileAccessError {
            throw error
        } catch {
            throw FileAccessError("no file is read: \(error)")
        }
    }
}
