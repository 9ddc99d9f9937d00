import Synchronization

/// The copies of a row table that somebody holds as snapshots, and what they cost: the bytes that are kept for them
/// alone, since the table has changed them. Where there are too many, or they cost too much, the oldest is revoked:
/// whoever holds it is told when it is asked for, and the partition goes on.
///
/// A page that the table gives up was seen by the newest copy, and by older ones or not; so its bytes are counted for
/// the newest, and where that is let go of, for the one before: never too few. Safe to use from any task: guarded by a
/// mutex.
final class RowSnapshots: Sendable {
    private struct Copy {
        var number: UInt64
        var table: RowTable
        var bytes = 0
    }

    private struct State {
        var limits = RowSnapshotLimits()
        /// Oldest first.
        var copies: [Copy] = []
        var last: UInt64 = 0
        /// What the table had kept for others when it was last asked.
        var seen = 0
    }

    private let state = Mutex(State())

    /// Puts other limits in force.
    func limit(_ limits: RowSnapshotLimits) { state.withLock { $0.limits = limits } }

    /// How many snapshots are held, and the bytes that are kept for them alone.
    var cost: (count: Int, bytes: Int) {
        state.withLock { state in (state.copies.count, state.copies.reduce(0) { $0 + $1.bytes }) }
    }

    /// Keeps a copy of the table as it is for whoever holds the result.
    func take(_ table: RowTable) -> HeldRows {
        let (number, revoked) = state.withLock { state in
            state.last += 1
            state.copies.append(Copy(number: state.last, table: table))
            return (state.last, Self.revoke(&state))
        }
        // Given back here, and not while the mutex is held: it may be much memory.
        extendLifetime(revoked)
        return HeldRows(self, number)
    }

    /// Takes down what the table has kept for others by now.
    func changed(copiedBytes: Int) {
        let revoked = state.withLock { state in
            let bytes = copiedBytes - state.seen
            state.seen = copiedBytes
            guard bytes > 0, !state.copies.isEmpty else { return [Copy]() }
            state.copies[state.copies.count - 1].bytes += bytes
            return Self.revoke(&state)
        }
        extendLifetime(revoked)
    }

    /// The table has made way for another: all of it is kept for whoever holds the newest copy.
    ///
    /// - Parameters:
    ///   - byteCount: what it took.
    ///   - copiedBytes: what the other has kept for others so far.
    func replaced(byteCount: Int, copiedBytes: Int) {
        changed(copiedBytes: state.withLock { $0.seen } + byteCount)
        state.withLock { $0.seen = copiedBytes }
    }

    /// The copy of this number, if it has not been revoked.
    fileprivate func table(_ number: UInt64) -> RowTable? {
        state.withLock { state in state.copies.first { $0.number == number }?.table }
    }

    fileprivate func has(_ number: UInt64) -> Bool {
        state.withLock { state in state.copies.contains { $0.number == number } }
    }

    fileprivate func letGo(_ number: UInt64) {
        let copy = state.withLock { state -> Copy? in
            guard let place = state.copies.firstIndex(where: { $0.number == number }) else { return nil }
            return Self.remove(place, &state)
        }
        extendLifetime(copy)
    }

    private static func remove(_ place: Int, _ state: inout State) -> Copy {
        let copy = state.copies.remove(at: place)
        if place > 0 { state.copies[place - 1].bytes += copy.bytes }
        return copy
    }

    private static func revoke(_ state: inout State) -> [Copy] {
        var revoked: [Copy] = []
        while state.copies.count > state.limits.count
            || state.copies.reduce(0, { $0 + $1.bytes }) > state.limits.bytes
        {
            revoked.append(remove(0, &state))
        }
        return revoked
    }
}

/// How much the snapshots of a row table's partition may cost.
public struct RowSnapshotLimits: Sendable, Hashable {
    /// The most snapshots of a partition at a time. Default 4.
    public var count = 4
    /// The most bytes that are kept for a partition's snapshots alone, because the rows have changed since. A server
    /// that joins the partition's chain and is still being sent a snapshot that was let go of is sent a newer one from
    /// its beginning. Default 256 MiB.
    public var bytes = 256 << 20

    /// Makes the defaults.
    public init() {}

    /// What is out of range; empty where nothing is.
    var problems: [String] {
        [("rowSnapshots.count", count), ("rowSnapshots.bytes", bytes)].filter { $0.1 < 1 }
            .map { "\($0.0) must be at least 1, is \($0.1)" }
    }
}

/// A hold on a snapshot of a row table: as long as this lives, the snapshot is kept unless it costs too much.
final class HeldRows: Sendable {
    private let snapshots: RowSnapshots
    private let number: UInt64

    fileprivate init(_ snapshots: RowSnapshots, _ number: UInt64) {
        self.snapshots = snapshots
        self.number = number
    }

    deinit { snapshots.letGo(number) }

    /// The table as it was; `nil` if the snapshot was revoked.
    var table: RowTable? { snapshots.table(number) }
    /// Whether the snapshot was revoked.
    var isRevoked: Bool { !snapshots.has(number) }
}
