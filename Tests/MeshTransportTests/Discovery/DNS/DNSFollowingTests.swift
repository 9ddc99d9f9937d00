import MeshWire
import Testing

@testable import MeshTransport

@Suite struct DNSFollowingTests {
    private let one = [ServiceEndpoint(.tcp(host: "10.0.0.1", port: 80))]
    private let two = [ServiceEndpoint(.tcp(host: "10.0.0.2", port: 80))]

    private func following(_ change: (inout DNSConfiguration) -> Void = { _ in }) -> DNSFollowing {
        var configuration = DNSConfiguration()
        change(&configuration)
        return DNSFollowing(configuration)
    }

    private func at(_ seconds: Int64) -> RuntimeInstant { RuntimeInstant(nanoseconds: seconds * 1_000_000_000) }

    @Test("what is found is told once, and again when it has changed")
    func found() {
        var following = following()
        #expect(
            following.heard(.found(one, for: .seconds(20)), now: at(0), chance: 0)
                == .init(news: [.endpoints(one)], pause: .seconds(20)))
        #expect(following.heard(.found(one, for: .seconds(20)), now: at(20), chance: 0).news == [])
        #expect(following.heard(.found(two, for: .seconds(20)), now: at(40), chance: 0).news == [.endpoints(two)])
    }

    @Test("it is looked up again when its time is over, and up to a tenth later by chance")
    func jitter() {
        var following = following()
        #expect(following.heard(.found(one, for: .seconds(20)), now: at(0), chance: 0.5).pause == .seconds(21))
    }

    @Test("failures are told once each, and looked at again after pauses that double up to a limit")
    func backoff() {
        var following = following()
        let steps = (0..<7).map { _ in following.heard(.failed("SERVFAIL"), now: at(0), chance: 0) }
        #expect(steps.map(\.news) == [[.failed("SERVFAIL")]] + [[Resolution]](repeating: [], count: 6))
        #expect(steps.map(\.pause) == [1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
        #expect(following.heard(.failed("no answer"), now: at(0), chance: 0).news == [.failed("no answer")])
    }

    @Test("the last good endpoints stay through any number of failures, and their return is told")
    func lastGood() {
        var following = following()
        _ = following.heard(.found(one, for: .seconds(1)), now: at(0), chance: 0)
        for second in 1..<100 {
            let news = following.heard(.failed("SERVFAIL"), now: at(Int64(second) * 100), chance: 0).news
            #expect(news == (second == 1 ? [.failed("SERVFAIL")] : []))
        }
        let step = following.heard(.found(one, for: .seconds(1)), now: at(10_000), chance: 0)
        #expect(step == .init(news: [.endpoints(one)], pause: .seconds(1)))
        #expect(following.heard(.failed("SERVFAIL"), now: at(10_001), chance: 0).pause == .seconds(1))
    }

    @Test("a name that is gone keeps its endpoints until that has been said for half a minute")
    func absence() {
        var following = following()
        _ = following.heard(.found(one, for: .seconds(10)), now: at(0), chance: 0)
        let gone = DNSFinding.absent("NXDOMAIN", for: .seconds(20))
        #expect(
            following.heard(gone, now: at(10), chance: 0)
                == .init(news: [.failed("NXDOMAIN")], pause: .seconds(20)))
        // Not later than at the end of the tolerance.
        #expect(following.heard(gone, now: at(30), chance: 0) == .init(news: [], pause: .seconds(10)))
        #expect(
            following.heard(gone, now: at(40), chance: 0)
                == .init(news: [.endpoints([]), .failed("NXDOMAIN")], pause: .seconds(20)))
        #expect(following.heard(gone, now: at(60), chance: 0) == .init(news: [], pause: .seconds(20)))
        #expect(following.heard(.found(one, for: .seconds(5)), now: at(80), chance: 0).news == [.endpoints(one)])
    }

    @Test("an answer, or a failure, in between begins the half minute anew", arguments: [true, false])
    func interrupted(isAnswer: Bool) {
        var following = following()
        let (found, gone) = (DNSFinding.found(one, for: .seconds(20)), DNSFinding.absent("NXDOMAIN", for: .seconds(20)))
        _ = following.heard(found, now: at(0), chance: 0)
        _ = following.heard(gone, now: at(20), chance: 0)
        _ = following.heard(isAnswer ? found : .failed("SERVFAIL"), now: at(40), chance: 0)
        #expect(following.heard(gone, now: at(60), chance: 0).news == [.failed("NXDOMAIN")])
    }

    @Test("a name that never was is told so at once")
    func never() {
        var following = following()
        let step = following.heard(.absent("NXDOMAIN", for: .seconds(5)), now: at(0), chance: 0)
        #expect(step == .init(news: [.failed("NXDOMAIN")], pause: .seconds(5)))
    }

    @Test("without tolerance, absence is believed at once")
    func noTolerance() {
        var following = following { $0.absenceTolerance = .zero }
        _ = following.heard(.found(one, for: .seconds(10)), now: at(0), chance: 0)
        let step = following.heard(.absent("NXDOMAIN", for: .seconds(5)), now: at(10), chance: 0)
        #expect(step.news == [.endpoints([]), .failed("NXDOMAIN")])
    }
}
