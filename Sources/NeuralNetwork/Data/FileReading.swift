#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The bytes of a regular file.
///
/// - Throws: ``NeuralNetworkError/Code/fileUnreadable`` with the path and the reason, for a file larger than
///   `maximumSize` too.
func readFile(_ path: String, maximumSize: Int) throws(NeuralNetworkError) -> [UInt8] {
    func unreadable(_ reason: String) -> NeuralNetworkError {
        NeuralNetworkError(.fileUnreadable, "\(path) cannot be read: \(reason)")
    }
    func systemReason() -> String {
        // Safe: the string is valid until this thread's next call of `strerror`, and is copied at once.
        unsafe String(cString: strerror(errno))
    }
    // Not blocking, so that a named pipe is refused below and not waited for.
    // Safe: the path is passed as a C string for the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(systemReason()) }
    defer { close(descriptor) }

    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(systemReason()) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw unreadable("not a regular file") }
    let size = Int(status.st_size)
    guard size <= maximumSize else { throw unreadable("\(size) bytes are more than the limit of \(maximumSize)") }

    var failure: NeuralNetworkError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        while count < size {
            // Safe: the rest of the buffer has room for what is read.
            let length = unsafe read(descriptor, buffer.baseAddress! + count, size - count)
            if length < 0 && errno == EINTR { continue }
            if length < 0 { failure = unreadable(systemReason()) }
            // 0: the file became shorter meanwhile; its format tells whether that matters.
            if length <= 0 { break }
            count += length
        }
    }
    if let failure { throw failure }
    return bytes
}
