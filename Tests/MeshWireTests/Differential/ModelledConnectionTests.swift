import TestSupport
import Testing

@Suite struct ModelledConnectionTests {
    /// `MESHWORK_TEST_ROUNDS=250` makes it 100,000 runs in all.
    private static let runsPerPart = rounds(20)

    @Test(
        "both sides do what the model says at each step, on pipes that end or change a byte, with old peers and new",
        arguments: 0..<20 as Range<UInt64>)
    func agreement(part: UInt64) {
        for run in 0..<UInt64(Self.runsPerPart) {
            let seed = part << 32 + run
            do {
                try Self.run(seed)
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
        }
    }

    private static func run(_ seed: UInt64) throws {
        var connection = ModelledConnection(seed: seed)
        let steps = Int(connection.generator.next() % 250)
        var isCorrupted = false
        for _ in 0..<steps where !connection.isBroken {
            if connection.fate == .corrupted, !isCorrupted, connection.generator.next() % 30 == 0 {
                isCorrupted = connection.corrupt()
            }
            try connection.step()
        }
        switch connection.fate {
        case .lost:
            try connection.lose()
        case .reliable, .corrupted:
            try connection.finish()
            if isCorrupted { return try connection.checkCorruption() }
            try connection.checkIsOver()
        }
    }
}
