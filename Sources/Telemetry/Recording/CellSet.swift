import Synchronization

extension Atomic<UInt64> {
    /// Adds, wrapping around.
    ///
    /// - Parameter isOwned: nobody else writes to this cell, so that a load and a store do what otherwise takes an atomic
    ///   addition.
    @inline(__always)
    func raise(by amount: UInt64, isOwned: Bool) {
        if isOwned {
            store(load(ordering: .relaxed) &+ amount, ordering: .relaxed)
        } else {
            _ = wrappingAdd(amount, ordering: .relaxed)
        }
    }
}

/// 64-bit cells in blocks of 16, 128 bytes, each made when one of its cells is first written.
struct CellSet: ~Copyable, Sendable {
    /// The cells of a block.
    static let blockSize = 16

    private let blocks: LazyBlocks<Atomic<UInt64>>

    init(count: Int) {
        blocks = LazyBlocks(capacity: (count + Self.blockSize - 1) / Self.blockSize, blockSize: Self.blockSize)
    }

    /// Adds to a cell, wrapping around; see ``Atomic/raise(by:isOwned:)``.
    @inline(__always)
    func raise(_ index: Int, by amount: UInt64, isOwned: Bool) {
        blocks.withElement(index & (Self.blockSize - 1), ofBlock: index >> 4) {
            Atomic(0)
        } _: { cell in
            cell.raise(by: amount, isOwned: isOwned)
        }
    }

    /// Calls `body` with every cell whose block has memory, in rising order.
    @inline(__always)
    func forEach(_ body: (_ index: Int, _ value: UInt64) -> Void) {
        for block in 0..<blocks.capacity {
            blocks.forEachElement(ofBlock: block) { offset, cell in
                body(block &* Self.blockSize &+ offset, cell.load(ordering: .relaxed))
            }
        }
    }
}
