import Optimizers

/// How the rows of a table lie in its slabs, each with what its update rule remembers. Logs and snapshots have slabs as
/// they are, so the layout is permanent; numbers are little-endian.
///
/// A slab begins with a bit for each of its places, in words of 64, that says whether a row is there. The places
/// follow: the row's key, the count of pushes when it was last pushed, the steps that it has taken, 8 bytes each; then
/// its elements and those of the rule's slots, 4 bytes each; then up to 4 bytes, so that the next place is aligned. A
/// place without a row is all zeros.
struct RowLayout: Sendable, Hashable {
    /// The most bytes of a slab.
    static let slabLimit = 16 << 10
    static let headerBytes = 24

    /// The elements of a row.
    let width: Int
    let slotCount: Int
    /// The elements of a slot: the row's, or one where the rule's scope is the row.
    let slotWidth: Int
    /// The bytes of a row with all that belongs to it.
    let rowBytes: Int
    let rowsPerSlab: Int
    /// The words at the beginning of a slab.
    let words: Int

    /// The layout of rows of `width` elements; `nil` if a row does not fit into a slab.
    init?(width: Int, rule: UpdateRule) {
        guard (1...Self.slabLimit).contains(width) else { return nil }
        self.width = width
        slotCount = rule.slotNames.count
        slotWidth = rule.scope == .row ? 1 : width
        rowBytes = (Self.headerBytes + 4 * (width + slotCount * slotWidth) + 7) / 8 * 8
        var rows = Self.slabLimit / rowBytes
        while rows > 0, (rows + 63) / 64 * 8 + rows * rowBytes > Self.slabLimit { rows -= 1 }
        guard rows > 0 else { return nil }
        rowsPerSlab = rows
        words = (rows + 63) / 64
    }

    var slabBytes: Int { words * 8 + rowsPerSlab * rowBytes }

    /// Where a place begins in its slab.
    func offset(ofPlace place: Int) -> Int { words * 8 + place * rowBytes }

    /// Calls `body` with every row of a slab: the number of its place, and where it begins.
    func forEachRow(of slab: UnsafeRawBufferPointer, _ body: (Int, UnsafeRawPointer) -> Void) {
        guard let base = slab.baseAddress, slab.count >= slabBytes else { return }
        for word in 0..<words {
            // Safe: a slab begins with so many words, and has as many places as are gone through.
            var bits = unsafe base.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self)
            while bits != 0 {
                let place = 64 * word + bits.trailingZeroBitCount
                guard place < rowsPerSlab else { return }
                unsafe body(place, base + offset(ofPlace: place))
                bits &= bits - 1
            }
        }
    }

    /// Where the elements of a slot begin in a row, behind the row's own.
    func offset(ofSlot slot: Int) -> Int { Self.headerBytes + 4 * (width + slot * slotWidth) }
}
