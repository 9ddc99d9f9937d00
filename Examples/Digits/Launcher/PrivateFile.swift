package import ProcessKit

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A file that its owner alone can read or write, from the moment at which it exists.
package enum PrivateFile {
    private static let mode: mode_t = 0o600

    /// Makes the file, in place of an older one of that name.
    ///
    /// The older one is unlinked, not written over: others may be able to read it, hold it open, or have put a link
    /// there. Nothing of the new one is left when it cannot be written whole.
    ///
    /// - Throws: `LaunchError` that names the file.
    package static func create(at path: String, holding text: String) throws(LaunchError) {
        // SAFETY, for every call with a path: it is a NUL-terminated string for the length of the call.
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure(path, errno) }
        let flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC
        let descriptor = unsafe open(path, flags, mode)
        guard descriptor >= 0 else { throw failure(path, errno) }
        var code = writeAll(Array(text.utf8), to: descriptor)
        if close(descriptor) != 0, code == 0 { code = errno }
        guard code == 0 else {
            _ = unsafe unlink(path)
            throw failure(path, code)
        }
    }

    /// - Returns: 0, or the `errno` of the write that failed.
    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the slice's own count bounds the read, and its address does not leave the closure.
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }

    private static func failure(_ path: String, _ code: Int32) -> LaunchError {
        LaunchError("the file \(path) cannot be written: \(systemMessage(code))")
    }
}
