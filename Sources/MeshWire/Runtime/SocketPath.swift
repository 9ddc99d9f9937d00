#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The place of a Unix domain socket in the file system, for networks that listen on one.
///
/// Here, and not beside the system's network, because where Foundation is among a module's imports `stat` counts as a
/// part of it.
package struct SocketPath: Sendable, Hashable {
    /// Which file it is, whatever its path.
    package struct FileNumber: Sendable, Hashable {
        private let device: UInt64
        private let node: UInt64

        fileprivate init(_ info: stat) {
            device = UInt64(truncatingIfNeeded: info.st_dev)
            node = UInt64(truncatingIfNeeded: info.st_ino)
        }
    }

    /// What is at a path.
    package enum Occupant: Sendable, Hashable {
        case nothing
        case socket(FileNumber)
        case somethingElse
    }

    private let path: String

    package init(_ path: String) { self.path = path }

    /// What is there now.
    package var occupant: Occupant {
        var info = stat()
        // The path is a C string for the call, and the structure is ours.
        guard unsafe lstat(path, &info) == 0 else { return .nothing }
        return info.st_mode & S_IFMT == S_IFSOCK ? .socket(FileNumber(info)) : .somethingElse
    }

    /// Removes the socket's file if it is still the one that is meant.
    package func remove(_ number: FileNumber) {
        guard occupant == .socket(number) else { return }
        // The path is a C string for the call.
        _ = unsafe unlink(path)
    }
}
