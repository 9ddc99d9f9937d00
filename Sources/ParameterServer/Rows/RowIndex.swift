/// Where the rows of a table are, by key: a hash table with linear probing (Knuth, volume 3, section 6.4) on pages, so
/// that a snapshot keeps the index of its moment.
///
/// An entry is the key's tag and the row's place, 8 bytes; the rows themselves know their keys. Between 3/8 and 3/4 of
/// the entries are in use: 10.7 to 21.3 bytes a row. The home of a tag is its high bits, so that doubling the table,
/// which happens once in as many insertions as it has rows, reads and writes in order. A value.
struct RowIndex: Sendable {
    /// 512 entries.
    static let pageBytes = 4 << 10
    private static let pageEntries = pageBytes / 8

    private(set) var pages = Pages(of: pageBytes)
    private(set) var count = 0
    /// What earlier tables have kept for others.
    private var copiedBefore = 0

    private var capacity: Int { pages.count * Self.pageEntries }
    var copiedBytes: Int { copiedBefore + pages.copiedBytes }

    /// The place of the row with this tag for which `isIt` is true.
    func place(of tag: UInt32, where isIt: (Int) -> Bool) -> Int? {
        guard capacity > 0 else { return nil }
        var position = home(tag)
        while true {
            let entry = entry(position)
            if entry == 0 { return nil }
            if UInt32(truncatingIfNeeded: entry >> 32) == tag {
                let place = Self.place(entry)
                if isIt(place) { return place }
            }
            position = next(position)
        }
    }

    /// Adds a row that is not there.
    mutating func insert(_ tag: UInt32, place: Int) {
        if 4 * (count + 1) > 3 * capacity { grow() }
        put(UInt64(tag) << 32 | UInt64(place + 1))
        count += 1
    }

    /// Takes out the row at a place, which is there, and closes the gap that it leaves (Knuth's algorithm R).
    mutating func remove(_ tag: UInt32, place: Int) {
        let sought = UInt64(tag) << 32 | UInt64(place + 1)
        var hole = home(tag)
        while entry(hole) != sought { hole = next(hole) }
        var position = next(hole)
        while entry(position) != 0 {
            let moving = entry(position)
            let home = home(UInt32(truncatingIfNeeded: moving >> 32))
            // It may move to the hole unless its home lies between the two.
            if (position &- home) & (capacity - 1) >= (position &- hole) & (capacity - 1) {
                set(hole, moving)
                hole = position
            }
            position = next(position)
        }
        set(hole, 0)
        count -= 1
    }

    private static func place(_ entry: UInt64) -> Int { Int(entry & 0xFFFF_FFFF) - 1 }

    private func home(_ tag: UInt32) -> Int { Int((UInt64(tag) * UInt64(capacity)) >> 32) }

    private func next(_ position: Int) -> Int { (position + 1) & (capacity - 1) }

    private func entry(_ position: Int) -> UInt64 {
        // Safe: a position is below the capacity, so its entry lies in its page, which this value keeps.
        unsafe pages.bytes(position / Self.pageEntries)
            .load(fromByteOffset: position % Self.pageEntries * 8, as: UInt64.self)
    }

    private mutating func set(_ position: Int, _ entry: UInt64) {
        // Safe: as for reading.
        unsafe pages.writable(position / Self.pageEntries)
            .storeBytes(of: entry, toByteOffset: position % Self.pageEntries * 8, as: UInt64.self)
    }

    private mutating func put(_ entry: UInt64) {
        var position = home(UInt32(truncatingIfNeeded: entry >> 32))
        while self.entry(position) != 0 { position = next(position) }
        set(position, entry)
    }

    private mutating func grow() {
        var old = pages
        let positions = capacity
        copiedBefore += pages.copiedBytes
        pages = Pages(of: Self.pageBytes, count: max(1, 2 * old.count))
        for position in 0..<positions {
            // Safe: as for reading; `old` lives until the end of the loop.
            let entry = unsafe old.bytes(position / Self.pageEntries)
                .load(fromByteOffset: position % Self.pageEntries * 8, as: UInt64.self)
            if entry != 0 { put(entry) }
        }
        let before = old.copiedBytes
        while old.count > 0 { old.removeLast() }
        copiedBefore += old.copiedBytes - before
    }
}
