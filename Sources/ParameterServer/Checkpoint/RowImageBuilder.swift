import MeshWire
import NIOCore

/// Puts a row table's slabs together from the columns of a file, places first, a piece at a time: the rows are in
/// memory once.
struct RowImageBuilder {
    /// About how many bytes of slabs one segment has: a message has room for few thousand segments.
    private static let blockBytes = 1 << 20

    private let layout: RowLayout
    /// Places are below.
    private let limit: Int
    private var places: [Int] = []
    /// Of so many slabs each.
    private let slabsPerBlock: Int
    private var blocks: Pages
    private var counters: [Segment] = []
    /// The rows whose part of the present column has come.
    private var taken = 0

    init(_ layout: RowLayout, rowsPerPartition limit: Int) {
        self.layout = layout
        self.limit = limit
        slabsPerBlock = max(1, Self.blockBytes / layout.slabBytes)
        blocks = Pages(of: slabsPerBlock * layout.slabBytes)
    }

    /// Takes a column's next piece, which has whole units.
    ///
    /// - Throws: ``/MeshWire/WireError`` for places that do not ascend or are none of the partition.
    mutating func take(_ piece: ByteBuffer, of column: RowColumn) throws(WireError) {
        switch column.part {
        case .place: try takePlaces(piece)
        case .bytes(let range): scatter(piece, range)
        case .counters: counters.append(Segment(copying: piece.readableBytesView))
        }
    }

    private mutating func takePlaces(_ piece: ByteBuffer) throws(WireError) {
        var piece = piece
        while let number = piece.readInteger(endianness: .little, as: UInt64.self) {
            let least = places.last.map { $0 + 1 } ?? 0
            guard let place = Int(exactly: number), (least..<max(least, limit)).contains(place) else {
                throw WireError(.malformed, "place \(number) of a row follows \(least - 1), and all are below \(limit)")
            }
            places.append(place)
            let (slab, inside) = place.quotientAndRemainder(dividingBy: layout.rowsPerSlab)
            while blocks.count * slabsPerBlock <= slab { blocks.append() }
            let base = unsafe self.base(of: slab)
            // Safe: a slab begins with a bit for each place, in words of 64.
            let word = unsafe base.load(fromByteOffset: inside / 64 * 8, as: UInt64.self)
            unsafe base.storeBytes(of: word | 1 << UInt64(inside % 64), toByteOffset: inside / 64 * 8, as: UInt64.self)
        }
    }

    private mutating func scatter(_ piece: ByteBuffer, _ range: Range<Int>) {
        unsafe piece.withUnsafeReadableBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: range.count) where taken < places.count {
                let (slab, inside) = places[taken].quotientAndRemainder(dividingBy: layout.rowsPerSlab)
                // Safe: the piece has whole parts of rows, and a row as many bytes as its layout says.
                unsafe (base(of: slab) + layout.offset(ofPlace: inside) + range.lowerBound)
                    .copyMemory(from: bytes.baseAddress! + start, byteCount: range.count)
                taken += 1
            }
        }
        if taken == places.count { taken = 0 }
    }

    private mutating func base(of slab: Int) -> UnsafeMutableRawPointer {
        unsafe blocks.writable(slab / slabsPerBlock) + slab % slabsPerBlock * layout.slabBytes
    }

    /// The slabs, up to the last one that has a row, and the counters.
    func snapshot(_ head: RowSnapshot.Head) -> RowSnapshot {
        var slabs = blocks.segments
        if let last = places.last {
            let used = last / layout.rowsPerSlab % slabsPerBlock + 1
            slabs[slabs.count - 1] = slabs[slabs.count - 1].parts(of: used * layout.slabBytes)[0]
        }
        return RowSnapshot(head, slabs: slabs, counters: counters)
    }
}
