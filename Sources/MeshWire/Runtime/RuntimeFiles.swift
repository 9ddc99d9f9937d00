/// How a runtime reads files that others write and change, such as lists of servers.
public protocol RuntimeFiles: Sendable {
    /// Which file is at `path` now, symbolic links followed: two answers differ when it has been written to or replaced.
    /// Throws ``FileAccessError`` where there is none.
    func version(of path: String) async throws(FileAccessError) -> FileVersion

    /// The bytes of the file at `path`, and which file they are of. Throws for one of more than `limit` bytes.
    func read(_ path: String, limit: Int) async throws(FileAccessError) -> (bytes: [UInt8], version: FileVersion)
}

/// Tells a file from what was at its place before.
public struct FileVersion: Sendable, Hashable {
    /// The file system.
    public var device: UInt64
    /// The file's number there.
    public var node: UInt64
    /// When it was last written to, in nanoseconds since 1970.
    public var modified: Int64
    /// Its bytes.
    public var size: Int64

    /// Makes a version.
    public init(device: UInt64, node: UInt64, modified: Int64, size: Int64) {
        self.device = device
        self.node = node
        self.modified = modified
        self.size = size
    }
}

/// Why a file cannot be read.
public struct FileAccessError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The path, and what is wrong with it.
    public let description: String

    /// Makes an error.
    public init(_ description: String) { self.description = description }
}

/// A runtime's files where it has none.
struct NoFiles: RuntimeFiles {
    func version(of path: String) async throws(FileAccessError) -> FileVersion {
        throw FileAccessError("\(path): this runtime has no files")
    }

    func read(_ path: String, limit: Int) async throws(FileAccessError) -> (bytes: [UInt8], version: FileVersion) {
        throw FileAccessError("\(path): this runtime has no files")
    }
}
