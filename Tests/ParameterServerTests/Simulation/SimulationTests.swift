import MeshworkTesting
import Testing

@testable import ParameterServer

@Suite struct SimulationTests {
    /// A lost request, a lost reply, a doubled request, a retry, a push that had been applied before, and a fence.
    private static let expectedEvents = [
        "request meshwork.Parameters/Push lose", "reply meshwork.Parameters/Push lose",
        "request meshwork.Parameters/Push duplicate", ": retry ", "answered again", "refused: sessionFenced",
    ]

    @Test(
        "every push is applied exactly once, though messages are lost and doubled and a worker is replaced",
        arguments: 1...6 as ClosedRange<UInt64>)
    func appliesExactlyOnce(seed: UInt64) async throws {
        let (trace, audit) = try await SimulatedTraining.run(seed: seed)
        #expect(audit.discrepancies == [], "seed \(seed)")
        #expect(audit.duplicatesSuppressed > 0, "seed \(seed)")
        #expect(audit.applied >= audit.acknowledged && audit.applied <= audit.sent, "seed \(seed)")
        #expect(trace.count >= 1_000, "seed \(seed)")
        for event in Self.expectedEvents {
            #expect(!trace.events(containing: event).isEmpty, "seed \(seed): no \(event)")
        }
    }

    @Test("two processes with one seed write the same trace, byte for byte, and another seed writes another")
    func replays() async throws {
        let first = try #require(
            await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                print(try await SimulatedTraining.run(seed: 7).trace.text)
            }?.standardOutputContent)
        let second = try #require(
            await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                print(try await SimulatedTraining.run(seed: 7).trace.text)
            }?.standardOutputContent)
        let other = try #require(
            await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                print(try await SimulatedTraining.run(seed: 8).trace.text)
            }?.standardOutputContent)
        #expect(first == second)
        #expect(first != other)
        let text = String(decoding: first, as: UTF8.self)
        #expect(text.split(separator: "\n").count >= 1_000)
        for event in Self.expectedEvents {
            #expect(text.contains(event), "no \(event)")
        }
    }
}
