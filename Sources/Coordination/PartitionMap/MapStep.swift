package import MeshWire

/// A step from one version of the map to a later one, or a part of such a step: see ``ChangeParts``.
package struct MapStep: MeshMessage, Hashable {
    package static let messageName = "meshwork.coordination.MapStep"

    /// The version that the step begins at; 0 for an empty map.
    var base: UInt64
    /// What of the map it changes, and to which version.
    var change: CoordinatorChange

    init(base: UInt64, change: CoordinatorChange) {
        self.base = base
        self.change = change
    }

    /// What of a change concerns the map, which was of version `base` before.
    init(from base: UInt64, by change: CoordinatorChange) {
        var own = CoordinatorChange()
        own.mapVersion = change.mapVersion
        (own.servers, own.tables) = (change.servers, change.tables)
        (own.partitions, own.lost) = (change.partitions, change.lost)
        self.init(base: base, change: own)
    }

    /// The step from nothing to a map.
    init(to map: PartitionMap) {
        var change = CoordinatorChange()
        change.mapVersion = map.version
        (change.servers, change.tables, change.lost) = (map.servers, map.tables, map.lost)
        self.init(base: 0, change: change)
    }

    /// The bytes of a part: so many that a stream has credit for it at once, and a message's head room.
    static func partBytes(within limits: WireLimits) -> Int { min(96 << 10, limits.messageHeadBytes / 2) }

    /// The step in parts of so many bytes, made as they are asked for.
    func parts(bytes: Int) -> some Sequence<MapStep> {
        ChangeParts(change, bytes: bytes).lazy.map { MapStep(base: base, change: $0) }
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(base: 0, change: CoordinatorChange())
        while let field = try decoder.nextField() {
            switch field {
            case 1: change.mapVersion = try decoder.uint64()
            case 2: change.servers.append(try decoder.message())
            case 3: change.tables.append(try decoder.message())
            case 4: change.lost.append(try decoder.string())
            case 5: change.partitions.append(try decoder.message())
            case 6: base = try decoder.uint64()
            case 7: change.part = try decoder.count()
            case 8: change.isContinued = try decoder.bool()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, change.mapVersion)
        for server in change.servers { encoder.message(2, server) }
        for table in change.tables { encoder.message(3, table) }
        for server in change.lost { encoder.string(4, server) }
        for partition in change.partitions { encoder.message(5, partition) }
        encoder.uint64(6, base)
        encoder.uint64(7, UInt64(change.part))
        encoder.bool(8, change.isContinued)
    }
}

/// The map as whoever is told its steps knows it. A state machine.
struct FollowedMap: Sendable {
    private var map: PartitionMap?
    private var base: UInt64 = 0
    private var changes = ChangeAssembler()

    /// Takes the next part of a step; returns the map when the step is whole.
    ///
    /// - Throws: ``/MeshWire/WireError/Code/malformed`` for a step that does not begin at the map that is known, or a
    ///   part that does not follow the one before. Then the map has to be followed anew.
    mutating func take(_ step: MapStep) throws(WireError) -> PartitionMap? {
        let known = map?.version
        if step.change.part == 0 {
            guard !changes.isGathering, step.base == 0 || step.base == known && step.change.mapVersion > step.base
            else {
                let version = known.map { "\($0)" } ?? "none"
                let isOpen = changes.isGathering ? ", and the step before is not whole" : ""
                throw WireError(
                    .malformed,
                    "a step of the map leads from version \(step.base) to \(step.change.mapVersion), known is \(version)\(isOpen)"
                )
            }
            base = step.base
        }
        guard step.base == base else {
            throw WireError(.malformed, "a part of a step from version \(step.base) follows one from version \(base)")
        }
        guard let change = try changes.take(step.change) else { return nil }
        var next = base == 0 ? PartitionMap() : map ?? PartitionMap()
        // Changed in place where nobody else has it.
        map = nil
        next.apply(change)
        map = next
        return next
    }
}

/// The last steps of a map, for those who know a version that is not old. Bounded by what they change; those who know
/// an older one are told the whole map.
struct MapHistory: Sendable {
    /// The most servers, tables and partitions of all steps together.
    private static let mostEntries = 8_192
    private static let mostSteps = 256

    private var steps: [MapStep] = []
    private var entries = 0

    /// Takes down what led to the newest version.
    mutating func append(_ step: MapStep) {
        steps.append(step)
        entries += step.change.entries
        while entries > Self.mostEntries || steps.count > Self.mostSteps {
            entries -= steps.removeFirst().change.entries
        }
    }

    /// The step between two versions; `nil` where it is not known any more.
    func step(from base: UInt64, to version: UInt64) -> MapStep? {
        guard let start = steps.firstIndex(where: { $0.base == base }) else { return nil }
        var step = MapStep(base: base, change: CoordinatorChange())
        for next in steps[start...] where step.change.mapVersion != version { step.change.append(next.change) }
        return step.change.mapVersion == version ? step : nil
    }
}

extension CoordinatorChange {
    /// How many things of a map it changes.
    fileprivate var entries: Int {
        tables.reduce(servers.count + partitions.count + lost.count) { $0 + 1 + $1.partitions.count }
    }
}
