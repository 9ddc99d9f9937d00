import Coordination
import Testing

@testable import ParameterServer

@Suite struct PushNumbersTests {
    private let one = PartitionID(rawValue: 1)

    @Test("numbers count up for each partition by itself, from 1")
    func countsUp() {
        var numbers = PushNumbers()
        let given = [one, one, PartitionID(rawValue: 2)].map { numbers.next(for: $0).sequence }
        #expect(given == [1, 2, 1])
    }

    @Test("the acknowledgement stops before the first push that is still open")
    func acknowledgesPrefix() {
        var numbers = PushNumbers()
        let first = (1...3).map { _ in numbers.next(for: one).acknowledgedThrough }
        numbers.settle(1, of: one)
        numbers.settle(3, of: one)
        let withGap = numbers.next(for: one)
        numbers.settle(2, of: one)
        let withoutGap = numbers.next(for: one)
        #expect(first == [0, 0, 0])
        #expect((withGap.sequence, withGap.acknowledgedThrough) == (4, 1))
        #expect((withoutGap.sequence, withoutGap.acknowledgedThrough) == (5, 3))
    }
}
