import Synchronization
import Testing

@testable import Telemetry

@Suite struct ExemplarCellsTests {
    private final class Shared: Sendable {
        let cells = ExemplarCells(count: 2)

        func value(at place: Int) -> (value: UInt64, exemplar: Exemplar)? { cells.value(at: place) }
    }

    private func exemplar(_ number: UInt64, time: Int64? = nil) throws -> Exemplar {
        Exemplar(
            traceID: try #require(TraceID(high: number, low: number)), spanID: try #require(SpanID(number)),
            unixNanoseconds: time)
    }

    @Test("the last exemplar of a place is kept, with its value and time")
    func last() throws {
        let shared = Shared()
        #expect(shared.value(at: 0) == nil)
        shared.cells.replace(try exemplar(1), value: 10, at: 1)
        #expect(shared.value(at: 0) == nil)
        shared.cells.replace(try exemplar(2, time: -5), value: 20, at: 1)
        let (value, last) = try #require(shared.value(at: 1))
        #expect(value == 20)
        #expect(last == (try exemplar(2, time: -5)))
        shared.cells.replace(try exemplar(3), value: 30, at: 1)
        #expect(shared.value(at: 1)?.exemplar.unixNanoseconds == nil)
    }

    @Test("a reader never sees half of one exemplar and half of another")
    func whole() async throws {
        let shared = Shared()
        let exemplars = try (1...64).map { try exemplar(UInt64($0), time: Int64($0)) }
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<3 {
                group.addTask {
                    for step in 0..<3_000 {
                        let number = (step * 3 + task) % 64
                        shared.cells.replace(exemplars[number], value: UInt64(number + 1), at: 0)
                    }
                }
            }
            group.addTask {
                for _ in 0..<3_000 {
                    guard let (value, exemplar) = shared.value(at: 0) else { continue }
                    if exemplar != exemplars[Int(value) - 1] { Issue.record("\(value): \(exemplar)") }
                }
            }
        }
        #expect(shared.value(at: 0) != nil)
    }
}
