#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The bytes of a file, mapped into memory for reading while this object lives.
///
/// `@unchecked Sendable` because it is constant from its initializer on.
@safe package final class FileMapping: @unchecked Sendable {
    /// The file's bytes, none for an empty file.
    ///
    /// A page is read when it is first touched. The bytes stay when another file takes the name or the name is removed:
    /// the mapping holds the file itself. They do not stay when somebody shortens the file: a touch beyond its new end is
    /// SIGBUS, against which no check beforehand helps.
    package let bytes: UnsafeRawBufferPointer

    /// Maps a regular file.
    ///
    /// - Throws: ``TensorError/Code/fileUnreadable`` with the path and the system's reason.
    package init(_ path: String) throws(TensorError) {
        func unreadable(_ reason: String) -> TensorError {
            TensorError(.fileUnreadable, "\(path) cannot be read: \(reason)")
        }
        // Not blocking, so that a named pipe is refused below and not waited for.
        // Safe: Swift passes the path as a C string for the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(systemReason()) }
        // The mapping stays when the descriptor is closed.
        defer { close(descriptor) }

        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(systemReason()) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw unreadable("not a regular file") }
        let count = Int(status.st_size)
        guard count > 0 else {
            // An empty file cannot be mapped; it is readable all the same.
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { throw unreadable(systemReason()) }
        unsafe bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    deinit {
        if let address = unsafe bytes.baseAddress {
            // Safe: mapped by the initializer with this length, and nothing refers to it any more.
            unsafe munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
        }
    }
}

/// What the last failed system call of this thread says.
func systemReason() -> String {
    // Safe: `strerror` returns a string that is valid until its next call on this thread, and it is copied at once.
    unsafe String(cString: strerror(errno))
}
