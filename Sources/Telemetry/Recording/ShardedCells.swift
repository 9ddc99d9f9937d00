import Synchronization

/// The 64-bit cells of one instrument: one set that everybody shares, and one for each shard that ever recorded. A cell's
/// value is the sum over the sets.
///
/// Cells come in blocks of 16, 128 bytes, and a block is made when one of its cells is first written. Any thread may read
/// at any time; it sees each write that happened before its read, and perhaps later ones.
struct ShardedCells: ~Copyable, Sendable {
    /// The cells of a block.
    static let blockSize = 16

    private typealias Cells = LazyBlocks<Atomic<UInt64>>

    private let blocks: Int
    private let shared: LazyBlocks<Atomic<UInt64>>
    /// One element a block: the cells of one shard.
    private let owned: LazyBlocks<LazyBlocks<Atomic<UInt64>>>
    private let places: ShardPlaces?
    private let registry: ObjectIdentifier?

    /// - Parameter places: of the registry whose shards have cells of their own; nil: none do.
    init(count: Int, places: ShardPlaces?) {
        blocks = (count + Self.blockSize - 1) / Self.blockSize
        shared = LazyBlocks(capacity: blocks, blockSize: Self.blockSize)
        owned = LazyBlocks(capacity: places?.count ?? 0, blockSize: 1)
        self.places = places
        registry = places.map { ObjectIdentifier($0) }
    }

    /// Adds to the cell at `index`, wrapping around.
    @inline(__always)
    func add(_ amount: UInt64, at index: Int, on shard: MetricsShard?) {
        if let place = place(of: shard) {
            withOwned(index, place) { cell in
                cell.store(cell.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
            }
        } else {
            withShared(index) { cell in _ = cell.wrappingAdd(amount, ordering: .relaxed) }
        }
    }

    /// The place of a shard among the owned cells; nil: it has none, and shares.
    @inline(__always)
    func place(of shard: MetricsShard?) -> Int? {
        guard let shard, registry == shard.registry else { return nil }
        return shard.place
    }

    @inline(__always)
    func withOwned<Result>(_ index: Int, _ place: Int, _ body: (borrowing Atomic<UInt64>) -> Result) -> Result {
        owned.withElement(0, ofBlock: place) {
            LazyBlocks(capacity: blocks, blockSize: Self.blockSize)
        } _: { cells in
            cells.withElement(index & (Self.blockSize - 1), ofBlock: index / Self.blockSize) {
                Atomic(0)
            } _: {
                body($0)
            }
        }
    }

    @inline(__always)
    func withShared<Result>(_ index: Int, _ body: (borrowing Atomic<UInt64>) -> Result) -> Result {
        shared.withElement(index & (Self.blockSize - 1), ofBlock: index / Self.blockSize) {
            Atomic(0)
        } _: {
            body($0)
        }
    }

    /// Calls `body` with every cell that has a block, set by set: a cell's index may come several times.
    func forEach(_ body: (_ index: Int, _ value: UInt64) -> Void) {
        Self.forEach(shared, body)
        for place in 0..<owned.capacity {
            owned.forEachElement(ofBlock: place) { _, cells in Self.forEach(cells, body) }
        }
    }

    private static func forEach(
        _ cells: borrowing LazyBlocks<Atomic<UInt64>>, _ body: (_ index: Int, _ value: UInt64) -> Void
    ) {
        for block in 0..<cells.capacity {
            cells.forEachElement(ofBlock: block) { offset, cell in
                body(block * blockSize + offset, cell.load(ordering: .relaxed))
            }
        }
    }
}
