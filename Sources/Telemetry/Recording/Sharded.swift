/// An element for each shard of a registry that ever recorded, and one that everybody else shares. What an instrument holds
/// is the sum over them.
///
/// Each element has 128 bytes of its own or more, and is made when it is first recorded in. Any thread may read at any
/// time; it sees each write that happened before its read, and perhaps later ones.
struct Sharded<Element: ~Copyable & Sendable>: ~Copyable, Sendable {
    /// The shared element, and then those of the shards' places.
    private let elements: LazyBlocks<Element>
    private let places: ShardPlaces?
    private let registry: ObjectIdentifier?

    /// - Parameter places: of the registry whose shards have elements of their own; nil: none do.
    init(_ places: ShardPlaces?) {
        elements = LazyBlocks(capacity: 1 + (places?.count ?? 0), blockSize: 1)
        self.places = places
        registry = places.map { ObjectIdentifier($0) }
    }

    /// Calls `body` with the element to record in: a shard's own, which nobody else writes to, or the shared one.
    @inline(__always)
    func withElement<Result>(
        of shard: MetricsShard?, make: () -> Element, _ body: (borrowing Element, _ isOwned: Bool) -> Result
    ) -> Result {
        let block = block(of: shard)
        return elements.withElement(0, ofBlock: block, make: make) { body($0, block != 0) }
    }

    /// Where a shard's element is. Apart, so that the shard need not be retained while it is recorded on.
    @inline(__always)
    private func block(of shard: MetricsShard?) -> Int {
        guard let shard, registry == shard.registry, let place = shard.place else { return 0 }
        return place &+ 1
    }

    /// Calls `body` with every element that there is.
    @inline(__always)
    func forEach(_ body: (borrowing Element) -> Void) {
        for block in 0..<elements.capacity { elements.forEachElement(ofBlock: block) { _, element in body(element) } }
    }
}
