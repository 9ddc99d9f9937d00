public import MeshWire
import Synchronization

/// The files of a simulation, which are what the test says. Guarded by a mutex.
final class SimulatedFiles: RuntimeFiles {
    private struct File {
        var bytes: [UInt8]
        var version: FileVersion
    }

    private let state = Mutex<(files: [String: File], writes: UInt64)>(([:], 0))

    func set(_ path: String, to text: String?, _ access: FileAccess?, at time: Duration) {
        state.withLock { state in
            guard let text else {
                state.files[path] = nil
                return
            }
            state.writes += 1
            let version = FileVersion(
                device: 1, node: state.writes, modified: time.inNanoseconds, size: Int64(text.utf8.count),
                access: access)
            state.files[path] = File(bytes: Array(text.utf8), version: version)
        }
    }

    func version(of path: String) async throws(FileAccessError) -> FileVersion { try file(path).version }

    func read(_ path: String, limit: Int) async throws(FileAccessError) -> (bytes: [UInt8], version: FileVersion) {
        let file = try file(path)
        guard file.bytes.count <= limit else { throw FileAccessError("\(path) has more than \(limit) bytes") }
        return (file.bytes, file.version)
    }

    private func file(_ path: String) throws(FileAccessError) -> File {
        guard let file = state.withLock({ $0.files[path] }) else { throw FileAccessError("\(path): there is none") }
        return file
    }
}

extension SimulatedRuntime {
    /// Writes a file that the simulation's meshes read, such as a ``FileResolver``'s or `/etc/resolv.conf`; `nil` removes
    /// it. A simulation begins without files.
    ///
    /// - Parameter access: whose the file is and who may do what with it. Default: the process's own, and nobody else's.
    public func setFile(
        _ path: String, to text: String?, access: FileAccess? = FileAccess(owner: .process, permissions: 0o600)
    ) {
        record("file \(path) is \(text == nil ? "removed" : "written")")
        simulatedFiles.set(path, to: text, access, at: timeSince1970)
    }
}
