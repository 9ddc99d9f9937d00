import MeshWire

/// The files of a log's folder, by their names.
///
/// ```
/// entries-0000000000000000    entries after position 0
/// snapshot-00000000000002a7   what stands for the entries through 0x2a7
/// snapshot-….new              a snapshot that was being written
/// lock                        open while the log is
/// ```
struct LogFolder {
    /// A file, and the position in its name.
    struct Place: Sendable, Hashable {
        var path: String
        var position: UInt64
    }

    /// In the order of positions.
    private(set) var entries: [Place]
    /// In the order of positions; the last one counts.
    private(set) var snapshots: [Place]
    /// Snapshots that were never finished.
    let unfinished: [String]

    init(_ folder: String, _ names: [String]) {
        func places(_ prefix: String) -> [Place] {
            names.compactMap { name in
                guard name.hasPrefix(prefix), name.utf8.count == prefix.utf8.count + Self.digits,
                    let position = UInt64(name.dropFirst(prefix.count), radix: 16)
                else { return nil }
                return Place(path: "\(folder)/\(name)", position: position)
            }.sorted { $0.position < $1.position }
        }
        entries = places(Self.entriesPrefix)
        snapshots = places(Self.snapshotPrefix)
        unfinished = names.filter { $0.hasPrefix(Self.snapshotPrefix) && $0.hasSuffix(Self.newSuffix) }
            .map { "\(folder)/\($0)" }
    }

    /// Takes out the files that the last snapshot stands for: earlier snapshots, and entries that another file's follow
    /// which the snapshot stands for, or which directly follow it.
    mutating func takeObsolete() -> [String] {
        guard let last = snapshots.last else { return [] }
        let old = snapshots.dropLast()
        let needed = entries.lastIndex { $0.position <= last.position } ?? 0
        defer {
            snapshots = [last]
            entries.removeFirst(needed)
        }
        return (old + entries[..<needed]).map(\.path)
    }

    static func entries(in folder: String, after position: UInt64) -> String {
        "\(folder)/\(entriesPrefix)\(digits(position))"
    }

    static func snapshot(in folder: String, of position: UInt64) -> String {
        "\(folder)/\(snapshotPrefix)\(digits(position))"
    }

    static let newSuffix = ".new"
    private static let entriesPrefix = "entries-"
    private static let snapshotPrefix = "snapshot-"
    private static let digits = 16

    private static func digits(_ position: UInt64) -> String {
        let text = String(position, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }
}
