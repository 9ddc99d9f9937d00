import MeshWire
import Testing

@testable import MeshTransport

private func at(_ seconds: Double) -> RuntimeInstant { RuntimeInstant(nanoseconds: Int64(seconds * 1e9)) }
private func stream(_ number: UInt32) -> StreamID { StreamID(rawValue: number) }

@Suite struct RequestPatienceTests {
    private let forever = RuntimeInstant(nanoseconds: .max)

    @Test("a call is waited for until its deadline or the limit, whichever is sooner")
    func ends() {
        var patience = RequestPatience(limit: .seconds(60))
        #expect(patience.deadline == nil)
        patience.began(stream(1), deadline: forever, now: at(0))
        patience.began(stream(3), deadline: at(10), now: at(0))
        patience.began(stream(5), deadline: forever, now: at(5))
        #expect(patience.deadline == at(10))
        #expect(patience.advance(to: at(9)) == [])
        #expect(patience.advance(to: at(10)) == [.init(stream: stream(3), isOverLimit: false)])
        #expect(patience.deadline == at(60))
        #expect(
            patience.advance(to: at(70)) == [
                .init(stream: stream(1), isOverLimit: true), .init(stream: stream(5), isOverLimit: true),
            ])
        #expect(patience.deadline == nil)
    }

    @Test("a request that has come is waited for no more")
    func came() {
        var patience = RequestPatience(limit: .seconds(60))
        patience.began(stream(1), deadline: forever, now: at(0))
        patience.began(stream(3), deadline: forever, now: at(1))
        patience.ended(stream(1))
        #expect(patience.advance(to: at(60)) == [])
        #expect(patience.deadline == at(61))
        patience.ended(stream(3))
        #expect(patience.deadline == nil)
    }
}
