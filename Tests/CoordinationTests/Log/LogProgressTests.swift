import NIOCore
import Testing

@testable import Coordination

@Suite struct LogProgressTests {
    private static func append(_ progress: inout LogProgress, count: Int = 1) {
        for _ in 0..<count { _ = progress.append(ByteBuffer(string: "x")) }
    }

    /// Writes what has been appended.
    private static func write(_ progress: inout LogProgress) {
        let batch = progress.takeBatch()
        progress.wrote(batch)
    }

    @Test("a record is pending, then written, then synced")
    func stages() {
        var progress = LogProgress(last: 10)
        Self.append(&progress, count: 2)
        #expect(progress.last == 12)
        #expect(progress.outcome(of: 11, at: .written) == .pending)
        Self.write(&progress)
        #expect(progress.outcome(of: 12, at: .written) == .reached)
        #expect(progress.outcome(of: 12, at: .synced) == .pending)
        progress.synced(through: 11)
        #expect([11, 12].map { progress.outcome(of: $0, at: .synced) } == [.reached, .pending])
    }

    @Test("what was not written is lost for good, and its positions are not given out again")
    func losses() {
        var progress = LogProgress(last: 0)
        Self.append(&progress)
        Self.write(&progress)
        Self.append(&progress, count: 2)
        _ = progress.takeBatch()
        Self.append(&progress)
        progress.loseUnwritten()
        progress.loseUnwritten()
        Self.append(&progress)
        Self.write(&progress)
        progress.synced(through: 5)
        let outcomes = (1...5).map { progress.outcome(of: $0, at: .synced) }
        #expect(outcomes == [.reached, .lost, .lost, .lost, .reached])
    }

    @Test("a record that is lost is never taken for one that was kept, however many were lost since")
    func manyLosses() {
        var progress = LogProgress(last: 0)
        for _ in 0..<1_000 {
            Self.append(&progress)
            Self.write(&progress)
            Self.append(&progress)
            progress.loseUnwritten()
        }
        progress.synced(through: progress.written)
        for position in stride(from: 2, through: 2_000, by: 2) {
            #expect(progress.outcome(of: UInt64(position), at: .written) == .lost)
        }
        // The last that was kept is known as such.
        #expect(progress.outcome(of: 1_999, at: .synced) == .reached)
    }
}
