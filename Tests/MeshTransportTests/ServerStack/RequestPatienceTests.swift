import MeshWire
import Testing

@testable import MeshTransport

private func stream(_ number: UInt32) -> StreamID { StreamID(rawValue: number) }

@Suite struct RequestPatienceTests {
    private let forever = RuntimeInstant(nanoseconds: .max)

    @Test("a call is waited for until its deadline or the limit, whichever is sooner")
    func ends() {
        var patience = RequestPatience(limit: .seconds(60))
        #expect(patience.deadline == nil)
        patience.began(stream(1), deadline: forever, now: .at(.seconds(0)))
        patience.began(stream(3), deadline: .at(.seconds(10)), now: .at(.seconds(0)))
        patience.began(stream(5), deadline: forever, now: .at(.seconds(5)))
        #expect(patience.deadline == .at(.seconds(10)))
        #expect(patience.advance(to: .at(.seconds(9))) == [])
        #expect(patience.advance(to: .at(.seconds(10))) == [.init(stream: stream(3), isOverLimit: false)])
        #expect(patience.deadline == .at(.seconds(60)))
        #expect(
            patience.advance(to: .at(.seconds(70))) == [
                .init(stream: stream(1), isOverLimit: true), .init(stream: stream(5), isOverLimit: true),
            ])
        #expect(patience.deadline == nil)
    }

    @Test("a request that has come is waited for no more")
    func came() {
        var patience = RequestPatience(limit: .seconds(60))
        patience.began(stream(1), deadline: forever, now: .at(.seconds(0)))
        patience.began(stream(3), deadline: forever, now: .at(.seconds(1)))
        patience.ended(stream(1))
        #expect(patience.advance(to: .at(.seconds(60))) == [])
        #expect(patience.deadline == .at(.seconds(61)))
        patience.ended(stream(3))
        #expect(patience.deadline == nil)
    }
}
