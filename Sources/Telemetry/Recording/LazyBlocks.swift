import Synchronization

/// A fixed number of places for blocks of elements that are made when they are first used and stay until the whole is
/// destroyed: memory by what is touched, found with two loads. The list of places is made with the first block.
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
    private let places = unsafe Atomic<UnsafeMutablePointer<Place>?>(nil)

    private typealias Place = Atomic<UnsafeMutablePointer<Element>?>

    init(capacity: Int, blockSize: Int) {
        self.capacity = capacity
        self.blockSize = blockSize
    }

    deinit {
        // Nobody else can hold a noncopyable value that is being destroyed: places and blocks are ours alone, and all were
        // initialized.
        guard let places = unsafe places.load(ordering: .acquiring) else { return }
        for place in 0..<capacity {
            if let block = unsafe places[place].load(ordering: .acquiring) { unsafe free(block) }
        }
        unsafe free(places)
    }

    /// Whether there is no block.
    var isEmpty: Bool { unsafe places.load(ordering: .acquiring) == nil }

    /// Calls `body` with an element of a block, which is made of `make()`s if there was none.
    @inline(__always)
    func withElement<Result>(
        _ offset: Int, ofBlock place: Int, make: () -> Element, _ body: (borrowing Element) -> Result
    ) -> Result {
        // Unsigned: what is below zero is above every limit.
        precondition(
            UInt(bitPattern: place) < UInt(bitPattern: capacity)
                && UInt(bitPattern: offset) < UInt(bitPattern: blockSize),
            "LazyBlocks: out of range")
        // Both offsets are within what was allocated, by the precondition; blocks are never freed while the value lives.
        let block = unsafe existing(place) ?? makeBlock(place, make)
        return unsafe body(block[offset])
    }

    /// The block of a place that there is, if it has one.
    @inline(__always)
    private func existing(_ place: Int) -> Block? {
        guard let places = unsafe places.load(ordering: .acquiring) else { return nil }
        return unsafe places[place].load(ordering: .acquiring)
    }

    /// Calls `body` with each element of a block in rising order, if there is one.
    @inline(__always)
    func forEachElement(ofBlock place: Int, _ body: (_ offset: Int, borrowing Element) -> Void) {
        precondition(place >= 0 && place < capacity, "LazyBlocks: out of range")
        // As in withElement.
        guard let block = unsafe existing(place) else { return }
        for offset in 0..<blockSize { unsafe body(offset, block[offset]) }
    }

    /// The block of a place that had none; when two threads make it at once, the one that comes second destroys its own.
    @inline(never)
    private func makeBlock(_ place: Int, _ make: () -> Element) -> Block {
        let places = unsafe places.load(ordering: .acquiring) ?? makePlaces()
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

    /// The places, when there were none: as in makeBlock.
    private func makePlaces() -> UnsafeMutablePointer<Place> {
        let made = UnsafeMutablePointer<Place>.allocate(capacity: capacity)
        for place in 0..<capacity { unsafe (made + place).initialize(to: Atomic(nil)) }
        let (exchanged, original) = unsafe places.compareExchange(
            expected: nil, desired: made, ordering: .acquiringAndReleasing)
        guard !exchanged, let original = unsafe original else { return unsafe made }
        unsafe free(made)
        return unsafe original
    }

    private func free(_ places: UnsafeMutablePointer<Place>) {
        // There are exactly capacity initialized places.
        unsafe places.deinitialize(count: capacity)
        unsafe places.deallocate()
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
