import MeshWire
import NIOCore

/// What has been appended to a log, and how far it has got. A state machine without I/O.
///
/// ```
///            takeBatch          wrote              synced
/// appended ───────────► taken ───────► written ───────────► synced
///     └──────────────────┴──────────────► lost
///                             loseUnwritten
/// ```
/// A position that was lost is not given out again: whoever still waits for it must not take another's record for its
/// own.
struct LogProgress {
    /// How far a record is to get.
    enum Stage: Sendable, Hashable {
        /// The system has it: it outlives the process.
        case written
        /// The disk has it: it outlives the machine's crash.
        case synced
    }

    /// Whether a record has got somewhere.
    enum Outcome: Sendable, Hashable {
        case pending, reached, lost
    }

    /// Records to be written in one piece.
    struct Batch: Sendable {
        var bytes: ByteBuffer
        /// The last record's position.
        var last: UInt64
    }

    /// How many runs of lost positions are told apart from what lies between them; all before counts as lost.
    private static let rememberedRuns = 64

    /// The position that was given out last.
    private(set) var last: UInt64
    /// The last record that is written.
    private(set) var written: UInt64
    private(set) var synced: UInt64
    private var backlog = ByteBuffer()
    private var lost: [ClosedRange<UInt64>] = []
    private var lostBefore: UInt64 = 0

    /// A log whose last record is durable.
    init(last: UInt64) {
        self.last = last
        written = last
        synced = last
    }

    /// The bytes that are appended and not taken yet.
    var backlogBytes: Int { backlog.readableBytes }

    /// Takes a record in; returns its position.
    mutating func append(_ payload: ByteBuffer) -> UInt64 {
        last += 1
        LogRecord(kind: .entry, position: last, payload: payload).encode(to: &backlog)
        return last
    }

    /// Gives out what is to be written next; empty where nothing is.
    mutating func takeBatch() -> Batch {
        let batch = Batch(bytes: backlog, last: last)
        backlog = ByteBuffer()
        return batch
    }

    /// A batch has been written.
    mutating func wrote(_ batch: Batch) {
        if batch.bytes.readableBytes > 0 { written = batch.last }
    }

    /// What had been written through `position` is durable.
    mutating func synced(through position: UInt64) { synced = max(synced, position) }

    /// What has not been written will not be.
    mutating func loseUnwritten() {
        backlog = ByteBuffer()
        let first = max(written, lost.last?.upperBound ?? lostBefore) + 1
        guard first <= last else { return }
        if let before = lost.last, before.upperBound + 1 == first {
            lost[lost.count - 1] = before.lowerBound...last
        } else {
            lost.append(first...last)
        }
        if lost.count > Self.rememberedRuns { lostBefore = lost.removeFirst().upperBound }
    }

    /// How a record stands.
    func outcome(of position: UInt64, at stage: Stage) -> Outcome {
        if position <= lostBefore || lost.contains(where: { $0.contains(position) }) { return .lost }
        return position <= (stage == .written ? written : synced) ? .reached : .pending
    }
}
