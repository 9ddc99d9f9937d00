import MeshWire
import NIOCore
import Synchronization

/// A log file of the system. Guarded by a mutex; what blocks does so on the threads of ``SystemLogs``.
final class SystemLogFile: LogFile {
    let path: String
    private let state: Mutex<(descriptor: LogDescriptor?, size: Int64)>

    init(_ path: String, _ descriptor: LogDescriptor, size: Int64) {
        self.path = path
        state = Mutex((descriptor, size))
    }

    var size: Int64 { state.withLock { $0.size } }

    func append(_ buffers: [ByteBuffer]) async throws(LogFileError) {
        let descriptor = try open()
        try await SystemLogs.blocking(path) { () throws(LogFileError) in
            for buffer in buffers {
                let end = self.size
                // The buffer lives for the call.
                let written = unsafe buffer.withUnsafeReadableBytes { unsafe descriptor.write($0, at: end) }
                self.state.withLock { $0.size = end + Int64(written.count) }
                if let error = written.error { throw error }
            }
        }
    }

    func sync() async throws(LogFileError) {
        let descriptor = try open()
        try await SystemLogs.blocking(path) { () throws(LogFileError) in try descriptor.sync() }
    }

    func read(_ range: Range<Int64>) async throws(LogFileError) -> ByteBuffer {
        let descriptor = try open()
        let end = min(range.upperBound, size)
        guard range.lowerBound < end else { return ByteBuffer() }
        return try await SystemLogs.blocking(path) { () throws(LogFileError) in
            let count = Int(end - range.lowerBound)
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            var failure: LogFileError?
            // Memory that the buffer owns, of at least `count` bytes.
            unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
                do throws(LogFileError) {
                    return try unsafe descriptor.read(
                        UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]), at: range.lowerBound)
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
            return buffer
        }
    }

    func truncate(to size: Int64) async throws(LogFileError) {
        let descriptor = try open()
        try await SystemLogs.blocking(path) { () throws(LogFileError) in
            try descriptor.truncate(to: size)
            self.state.withLock { $0.size = size }
        }
    }

    func close() async {
        // Whoever is at it still holds the descriptor, which closes after them.
        let descriptor: LogDescriptor? = state.withLock { state in
            defer { state.descriptor = nil }
            return state.descriptor
        }
        descriptor?.unlock()
    }

    private func open() throws(LogFileError) -> LogDescriptor {
        guard let descriptor = state.withLock({ $0.descriptor }) else {
            throw LogFileError(.closed, path: path, "the file has been closed")
        }
        return descriptor
    }
}
