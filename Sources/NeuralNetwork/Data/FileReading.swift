#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A regular file that is open to be read from its beginning to its end; closed when nobody has it.
///
/// Used by one task at a time.
final class ReadableFile {
    let path: String
    /// Its bytes when it was opened.
    let size: Int
    private let descriptor: Int32

    /// Opens a file.
    ///
    /// - Throws: ``NeuralNetworkError/Code/fileUnreadable`` with the path and the reason.
    init(_ path: String) throws(NeuralNetworkError) {
        self.path = path
        // Not blocking, so that a named pipe is refused below and not waited for.
        // Safe: the path is passed as a C string for the call.
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.unreadable(path, Self.systemReason()) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let reason = Self.systemReason()
            close(descriptor)
            throw Self.unreadable(path, reason)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Self.unreadable(path, "not a regular file")
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// The next `count` bytes, or as many as there are; none at the end.
    ///
    /// - Throws: ``NeuralNetworkError/Code/fileUnreadable``.
    func read(_ count: Int) throws(NeuralNetworkError) -> [UInt8] {
        var failure: String?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                // Safe: the rest of the buffer has room for what is read.
                let length = unsafe systemRead(descriptor, buffer.baseAddress! + filled, count - filled)
                if length < 0 && errno == EINTR { continue }
                if length < 0 { failure = Self.systemReason() }
                if length <= 0 { break }
                filled += length
            }
        }
        if let failure { throw Self.unreadable(path, failure) }
        return bytes
    }

    fileprivate static func unreadable(_ path: String, _ reason: String) -> NeuralNetworkError {
        NeuralNetworkError(.fileUnreadable, "\(path) cannot be read: \(reason)")
    }

    private static func systemReason() -> String {
        // Safe: the string is valid until this thread's next call of `strerror`, and is copied at once.
        unsafe String(cString: strerror(errno))
    }
}

/// `read` of the system, which a method's name hides.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    unsafe read(descriptor, bytes, count)
}

/// The bytes of a regular file.
///
/// - Throws: ``NeuralNetworkError/Code/fileUnreadable`` with the path and the reason, for a file larger than
///   `maximumSize` too.
func readFile(_ path: String, maximumSize: Int) throws(NeuralNetworkError) -> [UInt8] {
    let file = try ReadableFile(path)
    guard file.size <= maximumSize else {
        throw ReadableFile.unreadable(path, "\(file.size) bytes are more than the limit of \(maximumSize)")
    }
    // Fewer if the file became shorter meanwhile; its format tells whether that matters.
    return try file.read(file.size)
}
