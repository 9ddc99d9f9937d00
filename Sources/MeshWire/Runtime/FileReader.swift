#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads the system's files, on the calling thread. Here for the reason that ``SocketPath`` gives.
package enum FileReader {
    /// Which file is at a path.
    package static func version(of path: String) throws(FileAccessError) -> FileVersion {
        var info = stat()
        // The path is a C string for the call, and the structure is ours.
        guard unsafe stat(path, &info) == 0 else { throw failure(path) }
        return FileVersion(info)
    }

    /// What is in the file at a path, and which file that is: the same open one, whatever is done to the path meanwhile.
    package static func read(
        _ path: String, limit: Int
    ) throws(FileAccessError) -> (bytes: [UInt8], version: FileVersion) {
        // Not one that blocks the reader until somebody writes, nor one that a child of this process would inherit.
        let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var info = stat()
        // The structure is ours.
        guard unsafe fstat(descriptor, &info) == 0 else { throw failure(path) }
        guard info.st_mode & S_IFMT == S_IFREG else { throw FileAccessError("\(path) is no file to read") }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        var count = 0
        while true {
            if count == bytes.count { bytes += [UInt8](repeating: 0, count: bytes.count) }
            // The buffer is valid for the call, and has that many bytes left.
            let more = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                return unsafe systemRead(descriptor, rest.baseAddress!, rest.count)
            }
            if more < 0, errno == EINTR { continue }
            guard more >= 0 else { throw failure(path) }
            count += more
            guard count <= limit else { throw FileAccessError("\(path) has more than \(limit) bytes") }
            if more == 0 { return (Array(bytes[..<count]), FileVersion(info)) }
        }
    }

    private static func failure(_ path: String) -> FileAccessError {
        FileAccessError(unsafe "\(path): \(String(cString: strerror(errno)))")
    }
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    unsafe read(descriptor, bytes, count)
}

extension FileVersion {
    fileprivate init(_ info: stat) {
        #if canImport(Darwin)
            let time = info.st_mtimespec
        #else
            let time = info.st_mtim
        #endif
        self.init(
            device: UInt64(truncatingIfNeeded: info.st_dev), node: UInt64(truncatingIfNeeded: info.st_ino),
            modified: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec), size: Int64(info.st_size),
            access: FileAccess(info))
    }
}

extension FileAccess {
    fileprivate init(_ info: stat) {
        let user = UInt32(info.st_uid)
        let owner: Owner = user == 0 ? .root : user == UInt32(geteuid()) ? .process : .other(user)
        self.init(owner: owner, permissions: UInt16(info.st_mode & 0o777))
    }
}
