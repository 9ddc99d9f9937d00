import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Entries in a file that only grows, readable by its owner alone.
///
/// The file is `MESHLOG1`, then for each entry its length (4 bytes, most significant first), the first 8 bytes of its
/// SHA-256, and the entry. An entry that was being written when the machine stopped is cut off when the file is opened
/// again: its append had not returned. One process has the file open at a time.
///
/// What is read here blocks the thread; so does an append, for as long as the disk takes to keep it.
public struct FileIssuanceLogStorage: IssuanceLogStorage {
    private static let magic = Array("MESHLOG1".utf8)
    private static let headerLength = 12
    /// The most bytes of an entry.
    static let maximumEntryBytes = IssuanceRecord.maximumBytes

    private let file: LogFile
    /// Where each entry's header begins, and the end.
    private var offsets: [Int64]
    /// Set when the file may not be what we think it is.
    private var isBroken = false

    /// Opens the file, or makes it.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/logNotStored`` when it cannot be opened, is no such file,
    ///   or is open elsewhere.
    public init(path: String) throws(IdentityError) {
        do {
            file = try LogFile(path: path)
            let end = try file.size()
            if end < Self.magic.count {
                guard try file.read(Int(end), at: 0).elementsEqual(Self.magic.prefix(Int(end))) else {
                    throw LogFile.Problem(message: "the file is no issuance log")
                }
                try file.write(Self.magic, at: 0)
                try LogFile.keepName(of: path)
                offsets = [Int64(Self.magic.count)]
            } else {
                guard try file.read(Self.magic.count, at: 0) == Self.magic else {
                    throw LogFile.Problem(message: "the file is no issuance log")
                }
                offsets = try Self.scan(file, to: end)
            }
            file.begin(at: offsets[offsets.count - 1])
        } catch {
            throw IdentityError(.logNotStored, "the issuance log \(quoted(path)) cannot be opened", cause: error)
        }
    }

    /// Finds the entries, and cuts off what is behind the last whole one.
    private static func scan(_ file: LogFile, to end: Int64) throws(LogFile.Problem) -> [Int64] {
        var offsets = [Int64(magic.count)]
        var position = Int64(magic.count)
        while position + Int64(headerLength) <= end {
            let length = Self.length(try file.read(headerLength, at: position))
            let next = position + Int64(headerLength) + Int64(length)
            // An append that was cut off shows the beginning of its length, and zeros for the rest: never a greater one.
            guard length <= maximumEntryBytes else {
                throw LogFile.Problem(message: "the entry at byte \(position) is damaged")
            }
            guard next <= end else { break }
            // The last may have its whole length, and not yet its bytes; or room, and not yet its length.
            if next == end || length == 0, try entry(in: file, from: position, to: next) == nil { break }
            offsets.append(next)
            position = next
        }
        guard position < end else { return offsets }
        // No more than one unfinished entry can be there; more is damage that somebody should look at.
        guard end - position <= Int64(headerLength + maximumEntryBytes) else {
            throw LogFile.Problem(message: "\(end - position) bytes from \(position) on are no entries")
        }
        try file.truncate(to: position)
        return offsets
    }

    private static func length(_ header: [UInt8]) -> Int {
        header.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }

    /// The entry between two offsets; nil where its checksum is not its own.
    private static func entry(in file: LogFile, from start: Int64, to end: Int64) throws(LogFile.Problem) -> [UInt8]? {
        let frame = try file.read(Int(end - start), at: start)
        let entry = Array(frame.dropFirst(headerLength))
        return frame[4..<headerLength].elementsEqual(SHA256Fingerprint(of: entry).bytes.prefix(8)) ? entry : nil
    }

    /// How many entries there are.
    public var count: UInt64 { UInt64(offsets.count - 1) }

    /// Writes an entry behind all others, and returns when the disk has it.
    ///
    /// - Throws: when the entry is too large or the disk fails; after that, nothing more is appended before the file is
    ///   opened again.
    public mutating func append(_ entry: [UInt8]) throws {
        guard !isBroken else { throw LogFile.Problem(message: "an earlier append failed; open the file again") }
        guard entry.count <= Self.maximumEntryBytes else {
            throw LogFile.Problem(
                message: "expected an entry of at most \(Self.maximumEntryBytes) bytes, found \(entry.count)")
        }
        let end = offsets[offsets.count - 1]
        guard file.claim(from: end, to: end + Int64(Self.headerLength + entry.count)) else {
            throw LogFile.Problem(message: "another copy of this storage has appended; open the file again")
        }
        let length = (0..<4).map { UInt8(truncatingIfNeeded: entry.count >> (24 - 8 * $0)) }
        let frame = length + SHA256Fingerprint(of: entry).bytes.prefix(8) + entry
        do {
            try file.write(frame, at: end)
        } catch {
            // What a failed write or flush has left behind, only the next opening can tell.
            isBroken = true
            throw error
        }
        offsets.append(end + Int64(frame.count))
    }

    /// Reads an entry, and checks that it is what was written.
    public func entry(at index: UInt64) throws -> [UInt8] {
        guard index < count else { throw LogFile.Problem(message: "there is no entry \(index) of \(count)") }
        let (start, end) = (offsets[Int(index)], offsets[Int(index) + 1])
        guard let entry = try Self.entry(in: file, from: start, to: end) else {
            throw LogFile.Problem(message: "entry \(index) at byte \(start) is damaged")
        }
        return entry
    }
}

/// A file that is open, locked, and closed when nobody needs it any more.
private final class LogFile: Sendable {
    /// What the system said.
    struct Problem: Error, CustomStringConvertible {
        let message: String
        var description: String { message }

        init(message: String) { self.message = message }

        init(_ call: String) { self.init(message: "\(call) failed with error \(errno)") }
    }

    private let descriptor: Int32
    /// Where the next entry goes, whichever copy of a storage appends it.
    private let end = Atomic<Int64>(0)

    func begin(at offset: Int64) { end.store(offset, ordering: .relaxed) }

    /// Takes the bytes between two offsets, if nobody has taken the first.
    func claim(from start: Int64, to next: Int64) -> Bool {
        end.compareExchange(expected: start, desired: next, ordering: .relaxed).exchanged
    }

    init(path: String) throws(Problem) {
        // open reads the path up to its first zero byte, of which it then has none but the last.
        guard !path.utf8.contains(0) else { throw Problem(message: "expected a path without a zero byte") }
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Problem("open") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? Problem(message: "the file is open elsewhere") : Problem("flock")
        }
    }

    /// Returns when the disk has the name of a file that was made, without which its bytes are lost with it.
    static func keepName(of path: String) throws(Problem) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        // open reads the path up to its zero byte; it had no other when the file was opened.
        let descriptor = unsafe open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem("open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Problem("fsync") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func size() throws(Problem) -> Int64 {
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else { throw Problem("lseek") }
        return Int64(end)
    }

    func truncate(to size: Int64) throws(Problem) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw Problem("ftruncate") }
        guard fsync(descriptor) == 0 else { throw Problem("fsync") }
    }

    func read(_ count: Int, at offset: Int64) throws(Problem) -> [UInt8] {
        var bytes = Array(repeating: UInt8(0), count: count)
        var done = 0
        while done < count {
            // pread writes at most the bytes that are left of the buffer, which lives until the closure returns.
            let result = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(descriptor, buffer.baseAddress! + done, count - done, off_t(offset) + off_t(done))
            }
            guard result > 0 else {
                if result < 0, errno == EINTR { continue }
                throw result == 0 ? Problem(message: "the file ends at \(offset + Int64(done))") : Problem("pread")
            }
            done += result
        }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(Problem) {
        var done = 0
        while done < bytes.count {
            // pwrite reads the bytes that are left of the array, which lives until the closure returns.
            let result = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(descriptor, buffer.baseAddress! + done, bytes.count - done, off_t(offset) + off_t(done))
            }
            guard result > 0 else {
                if result < 0, errno == EINTR { continue }
                throw Problem("pwrite")
            }
            done += result
        }
        guard fsync(descriptor) == 0 else { throw Problem("fsync") }
    }
}
