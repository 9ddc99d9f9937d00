import Coordination
import MeshWire
import NIOCore
import Tensor

/// The records of a partition that somebody may still have to be sent: those after a position, without gaps. Their
/// gradients are referred to, not copied.
struct RecordWindow: Sendable {
    private struct Kept: Sendable {
        var record: PartitionRecord
        var bytes: Int
        var appended: RuntimeInstant
    }

    /// What is kept comes after this position.
    private(set) var start: UInt64
    /// What the kept records take in memory.
    private(set) var bytes = 0
    /// Grows from one place: most partitions of many have no follower, and keep nothing.
    private var records = CircularBuffer<Kept>(initialCapacity: 1)

    /// A window in which nothing is kept, after `start`.
    init(after start: UInt64) { self.start = start }

    /// How many are kept.
    var count: Int { records.count }
    /// The position of the last one, or ``start``.
    var last: UInt64 { start + UInt64(records.count) }
    /// When the oldest one came.
    var oldest: RuntimeInstant? { records.first?.appended }

    /// Whether somebody who stands at `position` can be sent all that follows.
    func reaches(backTo position: UInt64) -> Bool { (start...last).contains(position) }

    /// The record at a position that is kept.
    subscript(position: UInt64) -> PartitionRecord {
        let index = records.index(records.startIndex, offsetBy: Int(position - start - 1))
        return records[index].record
    }

    /// Keeps the next record.
    mutating func append(_ record: PartitionRecord, at now: RuntimeInstant) {
        precondition(record.position == last + 1, "record \(record.position) follows \(last)")
        let kept = Kept(record: record, bytes: record.memoryBytes, appended: now)
        bytes += kept.bytes
        records.append(kept)
    }

    /// Lets go of the records up to a position.
    mutating func trim(through position: UInt64) {
        while start < position, let first = records.popFirst() {
            bytes -= first.bytes
            start += 1
        }
    }

    /// Lets go of everything; what is appended next comes after `position`.
    mutating func restart(after position: UInt64) {
        // Without a follower that is what each push does.
        guard !records.isEmpty else { return start = position }
        self = RecordWindow(after: position)
    }
}

extension PartitionRecord {
    /// About what a record takes in memory while it is kept.
    var memoryBytes: Int {
        switch change {
        case .apply(let pushes, let gradient, _): gradient.byteCount + pushes.count * Self.pushBytes + Self.overhead
        case .applyRows(let pushes, let rows, _): rows.byteCount + pushes.count * Self.pushBytes + Self.overhead
        case .applyEncoded(let pushes, let gradient, _):
            gradient.byteCount + pushes.count * Self.pushBytes + Self.overhead
        case .call(_, let call): call.byteCount + Self.pushBytes + Self.overhead
        case .round(let step):
            (step.gradient?.byteCount ?? 0) + (step.pushes.count + step.late.count) * Self.pushBytes + Self.overhead
        case .leader(.decide(let decision)): decision.senders.count * Self.pushBytes + Self.overhead
        case .reject, .skip, .tick, .epoch, .leader: Self.pushBytes + Self.overhead
        case .fence(let fence): fence.entries.count * Self.pushBytes + Self.overhead
        case .restore(let snapshot, _):
            snapshot.tensors.reduce(Self.overhead + (snapshot.rows?.byteCount ?? 0)) { $0 + $1.byteCount }
                + snapshot.accounts.reduce(snapshot.fence.entries.count * Self.pushBytes) {
                    $0 + (1 + $1.account.answers.count) * Self.pushBytes
                }
        }
    }

    private static let pushBytes = 128
    private static let overhead = 128
}
