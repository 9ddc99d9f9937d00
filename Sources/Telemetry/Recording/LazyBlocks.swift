import Synchronization

/// A fixed number of places for blocks of elements that are made when they are first used and stay until the whole is
/// destroyed: memory by what is touched, found with one load.
///
/// Safe to use: no pointer leaves it, and every offset is checked. Any thread may use it at any time. Blocks begin at
/// multiples of 128 bytes, two cache lines, which processors fetch together: no two blocks share what a write takes away
/// from other cores.
@safe struct LazyBlocks<Element: ~Copyable>: ~Copyable {
    private typealias Block = UnsafeMutablePointer<Element>

    /// How many blocks there may be.
    let capacity: Int
    /// The elements of each block.
    let blockSize: Int
    private let places: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Element>?>>

    init(capacity: Int, blockSize: Int) {
        self.capacity = capacity
        self.blockSize = blockSize
        let places = UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Element>?>>.allocate(capacity: capacity)
        for place in 0..<capacity {
            // Within the capacity allocated above.
            unsafe (places + place).initialize(to: Atomic(nil))
        }
        unsafe self.places = places
    }

    deinit {
        // Nobody else can hold a noncopyable value that is being destroyed: the blocks are ours alone, and all were
        // initialized.
        for place in 0..<capacity {
            if let block = unsafe places[place].load(ordering: .acquiring) { unsafe free(block) }
        }
        unsafe places.deinitialize(count: capacity)
        unsafe places.deallocate()
    }

    /// Calls `body` with an element of a block, which is made of `make()`s if there was none.
    @inline(__always)
    func withElement<Result>(
        _ offset: Int, ofBlock place: Int, make: () -> Element, _ body: (borrowing Element) -> Result
    ) -> Result {
        precondition(place >= 0 && place < capacity && offset >= 0 && offset < blockSize, "LazyBlocks: out of range")
        // Both offsets are within what was allocated, by the precondition; blocks are never freed while the value lives.
        let block = unsafe places[place].load(ordering: .acquiring) ?? makeBlock(place, make)
        return unsafe body(block[offset])
    }

    /// Calls `body` with each element of a block in rising order, if there is one.
    @inline(__always)
    func forEachElement(ofBlock place: Int, _ body: (_ offset: Int, borrowing Element) -> Void) {
        precondition(place >= 0 && place < capacity, "LazyBlocks: out of range")
        // As in withElement.
        guard let block = unsafe places[place].load(ordering: .acquiring) else { return }
        for offset in 0..<blockSize { unsafe body(offset, block[offset]) }
    }

    /// The block of a place that had none; when two threads make it at once, the one that comes second destroys its own.
    @inline(never)
    private func makeBlock(_ place: Int, _ make: () -> Element) -> Block {
        let stride = max(1, MemoryLayout<Element>.stride)
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: (stride * blockSize + 127) & ~127, alignment: 128)
        let block = unsafe bytes.bindMemory(to: Element.self, capacity: blockSize)
        for offset in 0..<blockSize {
            // Within the capacity allocated above.
            unsafe (block + offset).initialize(to: make())
        }
        let (exchanged, original) = unsafe places[place].compareExchange(
            expected: nil, desired: block, ordering: .acquiringAndReleasing)
        guard !exchanged, let original = unsafe original else { return unsafe block }
        unsafe free(block)
        return unsafe original
    }

    private func free(_ block: Block) {
        // Every block has exactly blockSize initialized elements.
        unsafe block.deinitialize(count: blockSize)
        unsafe UnsafeMutableRawPointer(block).deallocate()
    }
}

// The pointers are written once each, by atomic exchange, and what they point to is only ever borrowed; so sharing it is as
// safe as sharing its elements.
extension LazyBlocks: @unchecked Sendable where Element: Sendable & ~Copyable {}
