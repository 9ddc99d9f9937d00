public import NIOCore

/// How a runtime keeps logs: files that grow, are synced, and outlive the process.
///
/// What a crash may take is what simulations take away: bytes since the last ``LogFile/sync()``, which may also be kept
/// in part, and names of files that ``remove(_:)`` took and ``sync(folder:)`` was not called for. A file that
/// ``open(_:mode:)`` has made and a name that ``rename(_:to:)`` has given are there when the call returns.
public protocol RuntimeLogs: Sendable {
    /// Opens a file for this process alone, until it is closed or nobody holds it any more; one that is opened for
    /// ``LogFileMode/reading`` may be open elsewhere.
    ///
    /// - Throws: ``LogFileError`` with `notFound`, `inUse`, `diskFull` or `ioFailure`.
    func open(_ path: String, mode: LogFileMode) async throws(LogFileError) -> any LogFile

    /// The names of the files in a folder, sorted; the folder is made if there is none, but not those above it.
    ///
    /// - Throws: ``LogFileError`` with `notFound` where the folder above is missing, `diskFull` or `ioFailure`.
    func list(_ folder: String) async throws(LogFileError) -> [String]

    /// Gives a file another name in the same folder, in place of whatever has it: after a crash one of the two has it.
    ///
    /// - Throws: ``LogFileError`` with `notFound`, `diskFull` or `ioFailure`.
    func rename(_ path: String, to newPath: String) async throws(LogFileError)

    /// Removes a file.
    ///
    /// - Throws: ``LogFileError`` with `notFound` or `ioFailure`.
    func remove(_ path: String) async throws(LogFileError)

    /// Returns when the disk has the folder's names as they are now.
    ///
    /// - Throws: ``LogFileError`` with `notFound` or `ioFailure`.
    func sync(folder: String) async throws(LogFileError)
}

/// What ``RuntimeLogs/open(_:mode:)`` does where there is a file, and where there is none.
public enum LogFileMode: Sendable, Hashable {
    /// Opens a file that must be there.
    case existing
    /// Opens a file that must be there for reads alone, whoever else has it: one that nobody may write to, for example.
    case reading
    /// Opens a file, and makes it where there is none.
    case createIfAbsent
}

/// A file that grows at its end. One caller at a time: whoever appends or truncates waits for the answer before the
/// next such call.
public protocol LogFile: Sendable {
    /// Where it is.
    var path: String { get }

    /// Its bytes, synced or not.
    var size: Int64 { get }

    /// Writes at the end. When it throws, the file may have grown by a part: ``size`` says by how much.
    ///
    /// - Throws: ``LogFileError`` with `diskFull`, `ioFailure` or `closed`.
    func append(_ buffers: [ByteBuffer]) async throws(LogFileError)

    /// Returns when the disk has all that was written before the call.
    ///
    /// - Throws: ``LogFileError`` with `diskFull`, `ioFailure` or `closed`. Then the file must be given up: a second
    ///   call could succeed without the bytes that the first lost.
    func sync() async throws(LogFileError)

    /// The bytes of a range, fewer where the file ends in it.
    ///
    /// - Throws: ``LogFileError`` with `ioFailure` or `closed`.
    func read(_ range: Range<Int64>) async throws(LogFileError) -> ByteBuffer

    /// Cuts the file off; durable with the next ``sync()``.
    ///
    /// - Throws: ``LogFileError`` with `ioFailure` or `closed`.
    func truncate(to size: Int64) async throws(LogFileError)

    /// Lets go of the file; what was not synced may be lost. Closing again does nothing.
    func close() async
}

/// A runtime's logs where it has none.
struct NoLogs: RuntimeLogs {
    func open(_ path: String, mode: LogFileMode) async throws(LogFileError) -> any LogFile { throw refusal(path) }
    func list(_ folder: String) async throws(LogFileError) -> [String] { throw refusal(folder) }
    func rename(_ path: String, to newPath: String) async throws(LogFileError) { throw refusal(path) }
    func remove(_ path: String) async throws(LogFileError) { throw refusal(path) }
    func sync(folder: String) async throws(LogFileError) { throw refusal(folder) }

    private func refusal(_ path: String) -> LogFileError {
        LogFileError(.ioFailure, path: path, "this runtime keeps no logs; use one that does, or keep nothing on disk")
    }
}
