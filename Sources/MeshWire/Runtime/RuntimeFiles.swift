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
    /// Who may do what with it; `nil` where the runtime does not know.
    public var access: FileAccess?

    /// Makes a version.
    public init(device: UInt64, node: UInt64, modified: Int64, size: Int64, access: FileAccess? = nil) {
        self.device = device
        self.node = node
        self.modified = modified
        self.size = size
        self.access = access
    }
}

/// Who may do what with a file, as its owner and its permission bits say; access lists beyond those are not seen.
public struct FileAccess: Sendable, Hashable {
    /// Whose file it is.
    public enum Owner: Sendable, Hashable {
        /// The superuser, as whom the process may act as well.
        case root
        /// The user that the process acts as.
        case process
        /// Another user, by number.
        case other(UInt32)
    }

    /// Whose it is.
    public var owner: Owner
    /// The nine permission bits, such as `0o600`.
    public var permissions: UInt16

    /// Makes an access.
    public init(owner: Owner, permissions: UInt16) {
        self.owner = owner
        self.permissions = permissions
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
