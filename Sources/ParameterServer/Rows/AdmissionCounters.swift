import MeshWire

/// How often pushes have named keys that have no row yet: a sketch of fixed size (count-min with conservative update,
/// Estan and Varghese, SIGCOMM 2002), which counts a key never too low until it is old, and too high where others share
/// both of its counters.
///
/// Two counters of a byte for each row that may exist. After eight additions a counter all are halved (the aging of
/// TinyLFU, Einziger, Friedman and Manes 2017), so that keys which are rare for ever do not fill them. A value.
struct AdmissionCounters: Sendable {
    static let pageBytes = 16 << 10
    /// What a counter counts to.
    static let most = Int(UInt8.max)
    /// 64 MiB of counters.
    private static let mostPages = 4 << 10

    private(set) var pages: Pages
    /// Since all were halved.
    private(set) var additions: UInt64

    /// Counters for so many rows.
    init(rows: Int) {
        pages = Pages(of: Self.pageBytes, count: Self.pageCount(rows))
        additions = 0
    }

    /// Counters as they were written, `nil` if they are not those of so many rows.
    init?(rows: Int, pages segments: [Segment], additions: UInt64) {
        guard let pages = Pages(of: Self.pageBytes, segments), pages.count == Self.pageCount(rows) else { return nil }
        self.pages = pages
        self.additions = additions
    }

    /// How many pages the counters for so many rows have: a power of two.
    static func pageCount(_ rows: Int) -> Int {
        var count = 1
        while count < mostPages, count * pageBytes < 2 * rows { count *= 2 }
        return count
    }

    /// How often a key was counted.
    func count(of key: UInt64) -> Int {
        let (first, second) = positions(key)
        return Int(min(self[first], self[second]))
    }

    /// Counts a key once more, and says how often it was counted with this time.
    mutating func add(_ key: UInt64) -> Int {
        if additions == UInt64(8 * pages.byteCount) { halve() }
        additions += 1
        let (first, second) = positions(key)
        let count = min(self[first], self[second])
        guard count < .max else { return Self.most }
        for position in [first, second] where self[position] == count { set(position, count + 1) }
        return Int(count) + 1
    }

    private mutating func halve() {
        additions = 0
        for page in 0..<pages.count {
            // Safe: a page has as many bytes, and is this value's own.
            let bytes = unsafe UnsafeMutableRawBufferPointer(start: pages.writable(page), count: Self.pageBytes)
            for index in 0..<Self.pageBytes { unsafe bytes[index] >>= 1 }
        }
    }

    private func positions(_ key: UInt64) -> (Int, Int) {
        let (first, second) = RowHash.counters(key)
        return (Int(first) & (pages.byteCount - 1), Int(second) & (pages.byteCount - 1))
    }

    private subscript(position: Int) -> UInt8 {
        // Safe: a position is below the number of counters, so it lies in its page, which this value keeps.
        unsafe pages.bytes(position / Self.pageBytes).load(fromByteOffset: position % Self.pageBytes, as: UInt8.self)
    }

    private mutating func set(_ position: Int, _ count: UInt8) {
        // Safe: as for reading.
        unsafe pages.writable(position / Self.pageBytes)
            .storeBytes(of: count, toByteOffset: position % Self.pageBytes, as: UInt8.self)
    }
}
