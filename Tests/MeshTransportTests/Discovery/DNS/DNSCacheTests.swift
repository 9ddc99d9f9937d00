import MeshWire
import Testing

@testable import MeshTransport

@Suite struct DNSCacheTests {
    private func question(_ number: Int) -> DNSQuestion { DNSQuestion(DomainName("name-\(number)")!, .a) }
    private let answer = DNSAnswer.records([.address([10, 0, 0, 1])], timeToLive: 5)

    private func at(_ seconds: Int64) -> RuntimeInstant { RuntimeInstant(nanoseconds: seconds * 1_000_000_000) }

    @Test("an answer is known until its time is over, and as the last one after that")
    func time() {
        var cache = DNSCache(limit: 10)
        cache.keep(answer, to: question(1), for: .seconds(5), now: at(10))
        #expect(cache.answer(to: question(1), now: at(12))?.answer == answer)
        #expect(cache.answer(to: question(1), now: at(12))?.left == .seconds(3))
        #expect(cache.answer(to: question(1), now: at(15)) == nil)
        #expect(cache.lastAnswer(to: question(1)) == answer)
        #expect(cache.answer(to: DNSQuestion(question(1).name, .aaaa), now: at(12)) == nil)
    }

    @Test("it holds no more answers than it may, and those stay that hold longest")
    func limit() {
        var cache = DNSCache(limit: 20)
        for number in 0..<100 { cache.keep(answer, to: question(number), for: .seconds(Int64(number + 1)), now: at(0)) }
        #expect(cache.count <= 20)
        #expect(cache.answer(to: question(99), now: at(0)) != nil)
        #expect(cache.lastAnswer(to: question(0)) == nil)
    }
}
