import MeshWire
import NIOCore
import Optimizers
import Tensor

/// A part of each row of a partition, in the order of their places: what a checkpoint's file has as one tensor.
///
/// Other programs read `keys` and `parameters`. A partition that is to go on as it was needs the others too: where a
/// row lies decides where the next one is kept and when it is looked through.
struct RowColumn: Sendable {
    enum Part: Sendable, Hashable {
        /// The number of the row's place, counted through all slabs.
        case place
        /// Bytes of the row: see ``RowLayout``.
        case bytes(Range<Int>)
        /// No part of rows: the counters of those that do not exist yet.
        case counters

        static let key = Part.bytes(0..<8)
        static func elements(_ layout: RowLayout) -> Part {
            .bytes(RowLayout.headerBytes..<RowLayout.headerBytes + 4 * layout.width)
        }
    }

    let name: String
    let type: TensorType
    let part: Part

    /// The bytes of one row's part, or of a page of counters.
    var unitBytes: Int {
        switch part {
        case .place: 8
        case .bytes(let bytes): bytes.count
        case .counters: AdmissionCounters.pageBytes
        }
    }

    /// The columns of so many rows of a row table, places first.
    ///
    /// - Throws: ``/Tensor/TensorError`` for more rows than a tensor has room for.
    static func all(of table: TableDeclaration, rows count: Int) throws(TensorError) -> [RowColumn] {
        let layout = table.rowLayout
        let numbers = TensorType(.uint64, try Shape([count]))
        var columns = [
            RowColumn(name: "places", type: numbers, part: .place),
            RowColumn(name: "keys", type: numbers, part: .key),
            RowColumn(name: "pushed", type: numbers, part: .bytes(8..<16)),
            RowColumn(name: "steps", type: numbers, part: .bytes(16..<24)),
            RowColumn(
                name: "parameters", type: TensorType(.float32, try Shape([count, layout.width])),
                part: .elements(layout)),
        ]
        let slot = TensorType(.float32, try Shape([count, layout.slotWidth]))
        for (number, name) in table.updateRule.slotNames.enumerated() {
            let start = layout.offset(ofSlot: number)
            columns.append(RowColumn(name: name, type: slot, part: .bytes(start..<start + 4 * layout.slotWidth)))
        }
        if let settings = table.rows, settings.admission > 1 {
            let bytes = AdmissionCounters.pageCount(settings.rowsPerPartition) * AdmissionCounters.pageBytes
            columns.append(RowColumn(name: "counters", type: TensorType(.uint8, try Shape([bytes])), part: .counters))
        }
        return columns
    }
}

/// See ``RowImage/pieces(of:_:where:)``.
private struct RowPieces: Sequence, IteratorProtocol {
    private static let pieceBytes = 1 << 20

    private let part: RowColumn.Part
    private let layout: RowLayout
    private let isWanted: (UInt64) -> Bool
    /// Slabs or pages of counters, each alone.
    private let pages: [Segment]
    private var following = 0

    init(part: RowColumn.Part, segments: [Segment], _ layout: RowLayout, _ isWanted: @escaping (UInt64) -> Bool) {
        self.part = part
        self.layout = layout
        self.isWanted = isWanted
        let bytes = part == .counters ? AdmissionCounters.pageBytes : layout.slabBytes
        pages = segments.flatMap { $0.parts(of: bytes) }
    }

    mutating func next() -> ByteBuffer? {
        var piece = ByteBuffer()
        while following < pages.count, piece.readableBytes < Self.pieceBytes {
            append(pages[following], number: following, to: &piece)
            following += 1
        }
        return piece.readableBytes > 0 ? piece : nil
    }

    private func append(_ page: Segment, number: Int, to piece: inout ByteBuffer) {
        if part == .counters { return page.write(0..<page.count, to: &piece) }
        unsafe page.withUnsafeBytes { bytes in
            unsafe layout.forEachRow(of: bytes) { place, row in
                // Safe: a row has as many bytes as its layout says.
                guard isWanted(unsafe row.load(fromByteOffset: 8, as: UInt64.self)) else { return }
                if case .bytes(let range) = part {
                    let bytes = unsafe UnsafeRawBufferPointer(start: row + range.lowerBound, count: range.count)
                    _ = unsafe piece.writeBytes(bytes)
                } else {
                    piece.writeInteger(UInt64(number * layout.rowsPerSlab + place), endianness: .little)
                }
            }
        }
    }
}

extension RowImage {
    /// The bytes of a column, in pieces of about a mebibyte that are each made when the one before has gone to a file.
    ///
    /// - Parameter isWanted: whether a row is one of them, by the count of pushes when it was last pushed.
    func pieces(
        of part: RowColumn.Part, _ layout: RowLayout, where isWanted: @escaping (UInt64) -> Bool = { _ in true }
    ) -> some Sequence<ByteBuffer> {
        RowPieces(part: part, segments: part == .counters ? counters : slabs, layout, isWanted)
    }

    /// How many rows it has that are wanted, by the count of pushes when each was last pushed.
    func rowCount(_ layout: RowLayout, where isWanted: (UInt64) -> Bool = { _ in true }) -> Int {
        var count = 0
        for slab in slabs.lazy.flatMap({ $0.parts(of: layout.slabBytes) }) {
            unsafe slab.withUnsafeBytes { bytes in
                unsafe layout.forEachRow(of: bytes) { _, row in
                    // Safe: a row begins with its header.
                    if isWanted(unsafe row.load(fromByteOffset: 8, as: UInt64.self)) { count += 1 }
                }
            }
        }
        return count
    }
}
