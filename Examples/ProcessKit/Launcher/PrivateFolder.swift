import Foundation

/// A folder of one run, which nobody else may read.
package enum PrivateFolder {
    /// Makes one below the system's temporary folder.
    ///
    /// - Returns: its path.
    package static func make() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(ProcessInfo.processInfo.processName)-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        return folder.path
    }

    /// Removes it with all that is in it.
    package static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
}
