import MeshWire
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Log files of the system, on threads that wait for the disk and for nothing else.
struct SystemLogs: RuntimeLogs {
    /// Few, as a disk does little at once, and none of those that compute: a slow sync delays logs alone. Never
    /// stopped.
    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 4)
        pool.start()
        return pool
    }()

    func open(_ path: String, mode: LogFileMode) async throws(LogFileError) -> any LogFile {
        try await Self.blocking(path) { () throws(LogFileError) in
            let descriptor = try LogDescriptor(path, mode)
            if let descriptor { return SystemLogFile(path, descriptor, size: try descriptor.size()) }
            guard mode == .createIfAbsent, let made = try LogDescriptor(path, mode, creates: true) else {
                throw LogFileError(.notFound, path: path, "there is no such file")
            }
            try Self.syncFolder(Self.folder(of: path))
            return SystemLogFile(path, made, size: try made.size())
        }
    }

    func list(_ folder: String) async throws(LogFileError) -> [String] {
        try await Self.blocking(folder) { () throws(LogFileError) in
            // The path is a C string for the call.
            if unsafe mkdir(folder, 0o700) == 0 {
                try Self.syncFolder(Self.folder(of: folder))
            } else if errno != EEXIST {
                throw LogFileError(folder, "be made", errno)
            }
            guard let stream = unsafe opendir(folder) else { throw LogFileError(folder, "be listed", errno) }
            defer { unsafe closedir(stream) }
            var names: [String] = []
            // The entry is valid until the next one is read, and its name ends with a zero byte.
            while let entry = unsafe readdir(stream) {
                let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { names.append(name) }
            }
            return names.sorted()
        }
    }

    func rename(_ path: String, to newPath: String) async throws(LogFileError) {
        try await Self.blocking(path) { () throws(LogFileError) in
            guard systemRename(path, newPath) == 0 else { throw LogFileError(path, "be renamed", errno) }
            try Self.syncFolder(Self.folder(of: newPath))
        }
    }

    func remove(_ path: String) async throws(LogFileError) {
        try await Self.blocking(path) { () throws(LogFileError) in
            guard unsafe unlink(path) == 0 else { throw LogFileError(path, "be removed", errno) }
        }
    }

    func sync(folder: String) async throws(LogFileError) {
        try await Self.blocking(folder) { () throws(LogFileError) in try Self.syncFolder(folder) }
    }

    /// Runs `body` on a thread that may block.
    static func blocking<Value: Sendable>(
        _ path: String, _ body: @escaping @Sendable () throws(LogFileError) -> Value
    ) async throws(LogFileError) -> Value {
        let outcome: Result<Value, LogFileError>
        do {
            outcome = try await pool.runIfActive {
                do throws(LogFileError) { return .success(try body()) } catch { return .failure(error) }
            }
        } catch {
            // The pool refuses a task that was cancelled before a thread was free; nothing has been done then.
            throw LogFileError(.ioFailure, path: path, "nothing was done, as its task is cancelled")
        }
        return try outcome.get()
    }

    private static func syncFolder(_ folder: String) throws(LogFileError) {
        let descriptor = systemOpen(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LogFileError(folder, "be opened", errno) }
        defer { systemClose(descriptor) }
        guard fsync(descriptor) == 0 else { throw LogFileError(folder, "be synced", errno) }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// An open descriptor, closed when nobody holds it; one that writes is of a file that no other process has open so.
final class LogDescriptor: Sendable {
    private let path: String
    private let descriptor: Int32

    /// Opens the file; `nil` where there is none and it is not to be made.
    init?(_ path: String, _ mode: LogFileMode, creates: Bool = false) throws(LogFileError) {
        self.path = path
        guard !path.utf8.contains(0) else {
            throw LogFileError(.ioFailure, path: path, "a path has no zero byte")
        }
        let access = mode == .reading ? O_RDONLY : O_RDWR
        descriptor = systemOpen(path, access | O_CLOEXEC | O_NOFOLLOW | (creates ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else {
            if errno == ENOENT, !creates { return nil }
            throw LogFileError(path, "be opened", errno)
        }
        guard mode == .reading || flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw LogFileError(path, "be locked", errno) }
            throw LogFileError(
                .inUse, path: path, "the file is open elsewhere; end the process that has it, or use another folder")
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        unlock()
        systemClose(descriptor)
    }

    /// Lets others open the file, also while a thread is about to let go of this descriptor, or a process that is being
    /// started has a copy of it.
    func unlock() { flock(descriptor, LOCK_UN) }

    func size() throws(LogFileError) -> Int64 {
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else { throw LogFileError(path, "be measured", errno) }
        return Int64(end)
    }

    /// Writes at `offset`; returns how many bytes there were room for, and why not for more.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> (count: Int, error: LogFileError?) {
        var done = 0
        while done < bytes.count {
            // Within the bytes, which the caller keeps for the call.
            let count = unsafe pwrite(
                descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + Int64(done)))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return (done, LogFileError(path, "be written", count == 0 ? ENOSPC : errno)) }
            done += count
        }
        return (done, nil)
    }

    /// Reads from `offset` on; returns how many bytes there were.
    func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int64) throws(LogFileError) -> Int {
        var done = 0
        while done < bytes.count {
            // Within the bytes, which the caller keeps for the call.
            let count = unsafe pread(
                descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + Int64(done)))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw LogFileError(path, "be read", errno) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func sync() throws(LogFileError) {
        #if canImport(Darwin)
            // Darwin's fsync leaves the bytes in the drive's cache.
            let result = fcntl(descriptor, F_FULLFSYNC)
        #else
            let result = fdatasync(descriptor)
        #endif
        guard result == 0 else { throw LogFileError(path, "be synced", errno) }
    }

    func truncate(to size: Int64) throws(LogFileError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw LogFileError(path, "be cut", errno) }
    }
}

extension LogFileError {
    fileprivate init(_ path: String, _ what: String, _ error: Int32) {
        let reason = unsafe String(cString: strerror(error))
        switch error {
        case ENOENT, ENOTDIR: self.init(.notFound, path: path, "cannot \(what): \(reason)")
        case ENOSPC, EDQUOT, EFBIG:
            self.init(.diskFull, path: path, "cannot \(what): \(reason); make room, then try again")
        default: self.init(.ioFailure, path: path, "cannot \(what): \(reason)")
        }
    }
}

private func systemOpen(_ path: String, _ flags: Int32, _ permissions: mode_t = 0) -> Int32 {
    // The path is a C string for the call.
    unsafe open(path, flags, permissions)
}

private func systemClose(_ descriptor: Int32) { close(descriptor) }

private func systemRename(_ path: String, _ newPath: String) -> Int32 {
    // The paths are C strings for the call.
    unsafe rename(path, newPath)
}
