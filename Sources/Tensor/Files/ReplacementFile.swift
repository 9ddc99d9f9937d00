import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A file that is written beside the one that it replaces, and takes its name when it is complete and on disk.
///
/// Belongs to the function that makes it. If it is given up before ``commit()``, the new file is removed.
package final class ReplacementFile {
    private let path: String
    private let temporaryPath: String
    private let descriptor: CInt
    private var isCommitted = false

    /// Tells the files apart that one process writes at the same time.
    private static let lastNumber = Atomic<UInt64>(0)

    /// - Throws: ``TensorError/Code/fileUnwritable`` with the path and the system's reason.
    package init(for path: String) throws(TensorError) {
        let number = Self.lastNumber.add(1, ordering: .relaxed).newValue
        let temporaryPath = "\(path).\(getpid())-\(number).partial"
        // Safe, as every use of a path here: Swift passes it as a C string for the call.
        let descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw TensorError(.fileUnwritable, "\(path) cannot be written: \(systemReason())")
        }
        self.path = path
        self.temporaryPath = temporaryPath
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
        if !isCommitted { unsafe unlink(temporaryPath) }
    }

    /// Appends `bytes`.
    package func append(_ bytes: [UInt8]) throws(TensorError) {
        let result = unsafe bytes.withUnsafeBytes { bytes in
            Result { () throws(TensorError) in unsafe try append(bytes) }
        }
        try result.get()
    }

    /// Appends `bytes`.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(TensorError) {
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            // Safe: the rest lies within the bytes that the caller keeps. At most a gigabyte at once: a system may
            // refuse more.
            let written = unsafe write(
                descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, min(rest.count, 1 << 30))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw unwritable() }
            unsafe rest = rest.dropFirst(written)
        }
    }

    /// Writes `bytes` over those that were appended from `offset` on: lengths and checksums that are known at the end.
    package func overwrite(_ bytes: [UInt8], at offset: Int) throws(TensorError) {
        let result = unsafe bytes.withUnsafeBytes { bytes in
            Result { () throws(TensorError) in
                var done = 0
                while done < bytes.count {
                    // Safe: the rest lies within the array, which the closure keeps.
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
                    let written = unsafe pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
                    if written < 0, errno == EINTR { continue }
                    guard written > 0 else { throw unwritable() }
                    done += written
                }
            }
        }
        try result.get()
    }

    /// Puts the file in its place once it is on disk.
    package func commit() throws(TensorError) {
        guard fsync(descriptor) == 0, unsafe rename(temporaryPath, path) == 0 else { throw unwritable() }
        isCommitted = true
        // The directory holds the new name. A file system that cannot sync a directory has done what it can.
        let separator = path.lastIndex(of: "/")
        let directory = separator.map { path[...$0] } ?? "."
        let directoryDescriptor = unsafe open(String(directory), O_RDONLY | O_CLOEXEC)
        guard directoryDescriptor >= 0 else { return }
        fsync(directoryDescriptor)
        close(directoryDescriptor)
    }

    private func unwritable() -> TensorError {
        TensorError(.fileUnwritable, "\(path) cannot be written: \(systemReason())")
    }
}
