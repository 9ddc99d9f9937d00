import Synchronization

/// What an event loop, or another owner that runs one thing at a time, records on: counters of its own for every
/// instrument of a registry, which it raises with a load and a store where others need an atomic addition, and which no
/// other core takes away from its cache.
///
/// ```swift
/// let shard = registry.makeShard()                                     // once for each event loop
/// let push = requests.series("inbound", "meshwork.Parameters/Push")     // once for each route
/// push.increment(on: shard)                                             // for each request, on that loop
/// ```
/// **Only one thread at a time may record on a shard**, and the compiler sees to it: a shard is not `Sendable`, so that it
/// stays in the isolation that made it or is given away for good. Who gets around that (`NIOLoopBound` checks instead,
/// `nonisolated(unsafe)` does not) may lose counts that two threads make at the same moment, and nothing worse: every
/// memory that a shard names is atomic and lives as long as its instruments. A shard of another registry, or one above
/// the registry's limit, records as everybody else does, with atomic additions.
///
/// What was recorded stays when the shard goes; its place is given to the next one that is made.
public final class MetricsShard {
    /// Whose instruments have a place for it.
    let registry: ObjectIdentifier
    /// The place; nil above the limit.
    let place: Int?
    private let places: ShardPlaces

    init(_ places: ShardPlaces) {
        self.places = places
        registry = ObjectIdentifier(places)
        place = places.take()
    }

    deinit {
        if let place { places.giveBack(place) }
    }
}

@available(*, unavailable)
extension MetricsShard: Sendable {}

/// The places that shards of one registry may have. Every instrument of the registry holds it, so that its identity is the
/// registry's as long as one of them lives.
final class ShardPlaces: Sendable {
    /// How many shards may be there at once.
    let count: Int
    private let isTaken: Mutex<[Bool]>

    init(count: Int) {
        self.count = count
        isTaken = Mutex(Array(repeating: false, count: count))
    }

    /// The lowest place that is free. The lock orders what its last owner recorded before what the next one will.
    func take() -> Int? {
        isTaken.withLock { isTaken in
            guard let place = isTaken.firstIndex(of: false) else { return nil }
            isTaken[place] = true
            return place
        }
    }

    func giveBack(_ place: Int) {
        isTaken.withLock { $0[place] = false }
    }
}
