import MeshWire

/// What is on a simulated disk, and what of it a crash takes. A state machine without I/O or clock.
struct DiskState {
    /// A file whatever its names.
    private struct Node {
        var bytes: [UInt8] = []
        /// How many of the bytes are durable, from the first on.
        var durableCount = 0
        /// Durable bytes that a truncation has cut off since the last sync; a crash may bring them back.
        var cut: [UInt8] = []
    }

    /// A change of names that a crash may undo, with all that came after it.
    private enum NameChange {
        case link(String, Int)
        case rename(String, String)
        case remove(String)

        func apply(to names: inout [String: Int]) {
            switch self {
            case .link(let path, let node): names[path] = node
            case .rename(let path, let newPath):
                names[newPath] = names[path]
                names[path] = nil
            case .remove(let path): names[path] = nil
            }
        }
    }

    var faults = LogFaults()
    /// Which life of the machine this is: what was opened in an earlier one is closed.
    private(set) var life = 0
    private var generator: SplitMix64
    private var nodes: [Int: Node] = [:]
    private var nextNode = 1
    private var names: [String: Int] = [:]
    private var durableNames: [String: Int] = [:]
    private var changes: [NameChange] = []
    /// How many changes of names came before those that are not durable yet.
    private var keptChanges = 0
    private var opened: Set<Int> = []

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    mutating func drawSyncTime() -> Duration {
        let range = faults.syncTime
        guard range.lowerBound < range.upperBound else { return range.lowerBound }
        return .nanoseconds(
            Int64.random(in: range.lowerBound.inNanoseconds...range.upperBound.inNanoseconds, using: &generator))
    }

    // MARK: Names

    /// Opens a file for its one user, or for one of those that read; `isNew` says that its name is not durable yet.
    mutating func open(_ path: String, _ mode: LogFileMode) throws(LogFileError) -> (node: Int, isNew: Bool) {
        if let node = names[path] {
            guard mode != .reading else { return (node, false) }
            guard opened.insert(node).inserted else {
                throw LogFileError(.inUse, path: path, "the file is open elsewhere")
            }
            return (node, false)
        }
        guard mode == .createIfAbsent else { throw LogFileError(.notFound, path: path, "there is no such file") }
        let node = nextNode
        nextNode += 1
        nodes[node] = Node()
        opened.insert(node)
        change(.link(path, node))
        return (node, true)
    }

    mutating func release(_ node: Int, _ life: Int) {
        if life == self.life { opened.remove(node) }
    }

    func list(_ folder: String) -> [String] {
        let prefix = folder + "/"
        return names.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
            .filter { !$0.contains("/") }.sorted()
    }

    mutating func rename(_ path: String, to newPath: String) throws(LogFileError) {
        try expect(path)
        change(.rename(path, newPath))
    }

    mutating func remove(_ path: String) throws(LogFileError) {
        try expect(path)
        change(.remove(path))
    }

    /// The changes of names that there have been.
    var changeCount: Int { keptChanges + changes.count }

    /// Makes the first `count` changes of names durable.
    mutating func keepNames(through count: Int) {
        let kept = max(0, count - keptChanges)
        for change in changes.prefix(kept) { change.apply(to: &durableNames) }
        changes.removeFirst(kept)
        keptChanges += kept
    }

    private mutating func change(_ change: NameChange) {
        change.apply(to: &names)
        changes.append(change)
    }

    private func expect(_ path: String) throws(LogFileError) {
        guard names[path] != nil else { throw LogFileError(.notFound, path: path, "there is no such file") }
    }

    // MARK: Bytes

    func count(of node: Int) -> Int { nodes[node]?.bytes.count ?? 0 }

    func bytes(of node: Int) -> [UInt8] { nodes[node]?.bytes ?? [] }

    func node(at path: String) -> Int? { names[path] }

    /// Appends as many of the bytes as there is room for; returns how many those were.
    mutating func append(_ bytes: [UInt8], to node: Int) -> Int {
        var room = bytes.count
        if let capacity = faults.capacity {
            let used = names.values.reduce(0) { $0 + count(of: $1) }
            room = max(0, min(room, Int(clamping: capacity) - used))
        }
        nodes[node]?.bytes += bytes[..<room]
        return room
    }

    mutating func truncate(_ node: Int, to size: Int) {
        guard var file = nodes[node], size < file.bytes.count else { return }
        if size < file.durableCount {
            file.cut = file.bytes[size..<file.durableCount] + file.cut
            file.durableCount = size
        }
        file.bytes.removeLast(file.bytes.count - size)
        nodes[node] = file
    }

    /// Makes a file's first `count` bytes durable, or fails as the faults say.
    mutating func sync(_ node: Int, _ path: String, through count: Int) throws(LogFileError) {
        if faults.failedSyncShare > 0, Double.random(in: 0..<1, using: &generator) < faults.failedSyncShare {
            throw LogFileError(.ioFailure, path: path, "cannot be synced: simulated failure")
        }
        nodes[node]?.durableCount = count
        nodes[node]?.cut = []
    }

    /// What the test says is in a file, durable.
    mutating func set(_ path: String, to bytes: [UInt8]) {
        let node = names[path] ?? nextNode
        if node == nextNode { nextNode += 1 }
        nodes[node] = Node(bytes: bytes, durableCount: bytes.count)
        names[path] = node
        durableNames[path] = node
    }

    // MARK: Accidents

    /// Flips a bit of a file with bytes; returns where.
    mutating func flipBit(in path: String?) -> (path: String, offset: Int)? {
        let candidates = names.keys.sorted().filter { path == nil || $0 == path }.filter { name in
            names[name].map { count(of: $0) > 0 } ?? false
        }
        guard let chosen = candidates.randomElement(using: &generator), let node = names[chosen] else { return nil }
        let offset = Int.random(in: 0..<count(of: node), using: &generator)
        nodes[node]?.bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        return (chosen, offset)
    }

    /// Closes everything and loses nothing.
    mutating func killProcess() {
        life += 1
        opened = []
    }

    /// Loses what was not durable, as much of it as the generator says.
    mutating func crash() {
        life += 1
        opened = []
        keepNames(through: Int.random(in: keptChanges...changeCount, using: &generator))
        keptChanges = changeCount
        changes = []
        names = durableNames
        let kept = Set(names.values)
        // In their order: the generator must not follow that of a dictionary.
        for node in nodes.keys.sorted() {
            guard kept.contains(node), var file = nodes[node] else {
                nodes[node] = nil
                continue
            }
            loseBytes(of: &file)
            file.durableCount = file.bytes.count
            file.cut = []
            nodes[node] = file
        }
    }

    private mutating func loseBytes(of file: inout Node) {
        if !file.cut.isEmpty, Bool.random(using: &generator) {
            file.bytes = file.bytes[..<file.durableCount] + file.cut
            return
        }
        let pending = file.bytes.count - file.durableCount
        let kept: Int
        switch UInt8.random(in: 0..<3, using: &generator) {
        case 0: kept = 0
        case 1: kept = pending
        default: kept = Int.random(in: 0...pending, using: &generator)
        }
        let length = file.durableCount + kept
        // File systems may keep a file's length and lose its last blocks, which then read as zeros.
        let written =
            Bool.random(using: &generator) ? length : Int.random(in: file.durableCount...length, using: &generator)
        file.bytes = file.bytes[..<written] + [UInt8](repeating: 0, count: length - written)
    }
}
