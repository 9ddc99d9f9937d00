import Coordination
import Optimizers

/// Rows of row tables that a client keeps for some pulls. A state machine without I/O; pulls are numbered as they
/// begin.
///
/// **What a kept row has**: every push that its partition had applied when the pull that fetched it began, and each
/// push of this session that was acknowledged since, in the order of the acknowledgements. A partition that begins a
/// new epoch is asked anew. The session's own pushes are applied by the table's rule and with the learning rate of the
/// partition's step, from what the client knows of the rule's slots: its own pushes alone. So the row has the bits of
/// the partition's where the row began with this client and nobody else pushed to it, or where the rule has no slots;
/// else the step is an estimate, until the row is fetched again. Where the server may not apply a push to a row, or
/// forget the row (admission, time to live), the session's own push has it fetched again.
struct HotRows: Sendable {
    /// A row with what the update rule remembers of it.
    struct Row: Sendable {
        /// The row's elements, then those of each slot.
        var floats: [Float]
        var steps = 0
        /// The partition's version that it was fetched of.
        var version: PartitionVersion
        /// The pull that fetched it.
        var fetched: UInt64
    }

    private struct Partition: Sendable {
        var rows: [UInt64: Row] = [:]
        /// The latest version that a push of this session made.
        var own = PartitionVersion(epoch: 0, applied: 0)
    }

    /// What each row takes beside its floats.
    static let overhead = 96

    private let configuration: HotRowConfiguration
    private var partitions: [PartitionID: Partition] = [:]
    private var pulls: UInt64 = 0
    /// Rows in the order in which they were fetched; one that was fetched again, or is gone, may still be here.
    private var order: [(partition: PartitionID, key: UInt64, fetched: UInt64)] = []
    /// How many of ``order`` have been looked at.
    private var looked = 0
    private(set) var rowCount = 0
    private(set) var byteCount = 0

    init(_ configuration: HotRowConfiguration) {
        self.configuration = configuration
    }

    /// A pull begins; the answer is its number.
    mutating func beginPull() -> UInt64 {
        pulls += 1
        return pulls
    }

    /// A row that a pull may be answered with, if there is one.
    ///
    /// - Parameter seen: the latest version of the partition that the client has seen.
    func row(_ key: UInt64, of partition: PartitionID, pull: UInt64, seen: PartitionVersion?) -> Row? {
        guard let row = partitions[partition]?.rows[key], seen.map({ $0.epoch == row.version.epoch }) ?? true,
            pull <= row.fetched || pull - row.fetched <= UInt64(configuration.maximumAge)
        else { return nil }
        return row
    }

    /// Keeps a row that a pull has fetched, unless it lacks a push of this session.
    mutating func insert(
        _ key: UInt64, _ elements: ArraySlice<Float>, of partition: PartitionID, _ table: TableDeclaration,
        version: PartitionVersion, pull: UInt64
    ) {
        var known = partitions.removeValue(forKey: partition) ?? Partition()
        defer { partitions[partition] = known }
        guard version >= known.own else { return }
        if let row = known.rows.removeValue(forKey: key) {
            guard row.version <= version else {
                known.rows[key] = row
                return
            }
            known.rows[key] = Row(
                floats: Array(elements) + row.floats[elements.count...], steps: row.steps, version: version,
                fetched: pull)
        } else {
            var floats = Array(elements)
            let slotWidth = table.rowLayout.slotWidth
            for value in table.updateRule.slotInitialValues {
                floats += repeatElement(value, count: slotWidth)
            }
            rowCount += 1
            byteCount += Self.byteCount(floats)
            known.rows[key] = Row(floats: floats, version: version, fetched: pull)
        }
        order.append((partition, key, pull))
    }

    /// Takes rows out until the others are within the limit.
    mutating func evict() {
        while byteCount > configuration.byteLimit, looked < order.count {
            let (partition, key, fetched) = order[looked]
            looked += 1
            if partitions[partition]?.rows[key]?.fetched == fetched { remove(key, of: partition) }
        }
        // What was looked at, and what was fetched again, is more than half.
        guard order.count > 2 * rowCount + 64 else { return }
        order = order[looked...].filter { partitions[$0.partition]?.rows[$0.key]?.fetched == $0.fetched }
        looked = 0
    }

    /// A push of this session was applied, and the partition is of this version after it.
    ///
    /// - Parameter staleness: the pushes of others since the pull that it is of, by which the table may make it
    ///   smaller.
    mutating func applied(
        _ keys: [UInt64], _ gradient: [Float], to partition: PartitionID, of table: TableDeclaration,
        version: PartitionVersion, staleness: UInt64 = 0
    ) {
        let width = table.rowLayout.width
        let rate = table.learningRate(step: Int(clamping: version.applied) - 1, staleness: staleness)
        let isFollowed = table.rows.map { $0.admission == 1 && $0.timeToLive == nil } ?? false
        for (place, key) in keys.enumerated() {
            // Taken out, so that it is written in place.
            guard var row = partitions[partition]?.rows.removeValue(forKey: key) else { continue }
            guard isFollowed, row.version.epoch == version.epoch else {
                forgot(row)
                continue
            }
            if row.version < version {
                row.step(table, gradient[place * width..<(place + 1) * width], learningRate: rate)
            }
            partitions[partition]?.rows[key] = row
        }
        pushed(version, to: partition)
    }

    /// A push of this session made a version: rows of older ones lack it.
    mutating func pushed(_ version: PartitionVersion, to partition: PartitionID) {
        let own = partitions[partition]?.own ?? version
        partitions[partition, default: Partition()].own = max(own, version)
    }

    /// A push of this session may have been applied, or will not be: nothing is known of the partition's rows.
    mutating func forget(_ partition: PartitionID) {
        for row in (partitions[partition]?.rows ?? [:]).values { forgot(row) }
        partitions[partition]?.rows = [:]
    }

    private mutating func remove(_ key: UInt64, of partition: PartitionID) {
        if let row = partitions[partition]?.rows.removeValue(forKey: key) { forgot(row) }
    }

    private mutating func forgot(_ row: Row) {
        rowCount -= 1
        byteCount -= Self.byteCount(row.floats)
    }

    private static func byteCount(_ floats: [Float]) -> Int { 4 * floats.count + overhead }
}

extension HotRows.Row {
    /// Takes one step, as a partition takes it.
    fileprivate mutating func step(_ table: TableDeclaration, _ gradient: ArraySlice<Float>, learningRate: Float) {
        steps += 1
        let (rule, layout) = (table.updateRule, table.rowLayout)
        let powers = rule.powers(ofStep: steps)
        // Safe: the row's `width` elements are followed by those of its slots, the gradient has `width`, and no address
        // leaves the closures.
        unsafe floats.withUnsafeMutableBufferPointer { floats in
            unsafe gradient.withUnsafeBufferPointer { gradient in
                guard let row = floats.baseAddress, let gradient = gradient.baseAddress else { return }
                unsafe rule.step(
                    layout.width, row, layout.slotCount < 1 ? nil : row + layout.width,
                    layout.slotCount < 2 ? nil : row + layout.width + layout.slotWidth, gradient: gradient,
                    powers: powers, learningRate: learningRate)
            }
        }
    }
}
