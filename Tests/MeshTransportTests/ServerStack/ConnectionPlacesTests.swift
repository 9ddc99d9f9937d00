import MeshWire
import Testing

@testable import MeshTransport

@Suite struct ConnectionPlacesTests {
    private func time(_ seconds: Int64) -> RuntimeInstant { RuntimeInstant(nanoseconds: seconds * 1_000_000_000) }

    @Test("as many enter as there are places, and one more for each that leaves")
    func limit() {
        var places = ConnectionPlaces(limit: 2)
        #expect(places.enter(now: time(0)) == .admitted)
        #expect(places.enter(now: time(0)) == .admitted)
        #expect(places.enter(now: time(0)) == .refused(isReported: true))
        places.leave()
        #expect(places.enter(now: time(0)) == .admitted)
        #expect(places.enter(now: time(0)) == .refused(isReported: false))
    }

    @Test("refusals are reported once a minute")
    func reports() {
        var places = ConnectionPlaces(limit: 0)
        let reported = [10, 10, 40, 69, 70, 71, 129, 500].filter {
            places.enter(now: time($0)) == .refused(isReported: true)
        }
        #expect(reported == [10, 70, 500])
    }
}
