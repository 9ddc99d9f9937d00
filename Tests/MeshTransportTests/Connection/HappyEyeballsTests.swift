import MeshWire
import MeshworkTesting
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct HappyEyeballsTests {
    private static func v4(_ last: Int) -> Endpoint { .tcp(host: "10.0.0.\(last)", port: 1_000) }
    private static func v6(_ last: Int) -> Endpoint { .tcp(host: "fd00::\(last)", port: 1_000) }

    @Test("families take turns, the first address' family first")
    func interleaving() {
        let (v4, v6) = (Self.v4, Self.v6)
        #expect(
            HappyEyeballs.interleaved([v6(1), v6(2), v6(3), v4(1), v4(2)]) == [v6(1), v4(1), v6(2), v4(2), v6(3)])
        #expect(HappyEyeballs.interleaved([v4(1), v4(2), v6(1)]) == [v4(1), v6(1), v4(2)])
        #expect(HappyEyeballs.interleaved([v4(2), v4(1)]) == [v4(2), v4(1)])
    }

    @Test("the next address is tried when one has had its start or has failed, and none after the last")
    func order() {
        var race = HappyEyeballs([Self.v6(1), Self.v4(1), Self.v4(2)])
        #expect(race.begin() == .attempt(0))
        #expect(race.delayElapsed() == .attempt(1))
        #expect(race.attemptFailed() == .attempt(2))
        #expect(race.delayElapsed() == nil)
        #expect(race.attemptFailed() == nil)
        #expect(race.attemptFailed() == .fail)
    }

    @Test("the first connection is used, and nothing is tried after it")
    func winner() {
        var race = HappyEyeballs([Self.v6(1), Self.v4(1), Self.v4(2)])
        _ = race.begin()
        _ = race.delayElapsed()
        #expect(race.connected() == true)
        #expect(race.connected() == false)
        #expect(race.delayElapsed() == nil)
        #expect(race.attemptFailed() == nil)
    }

    @Test("what takes too long uses no connection that comes later")
    func givenUp() {
        var race = HappyEyeballs([Self.v6(1), Self.v4(1)])
        _ = race.begin()
        race.giveUp()
        #expect(race.delayElapsed() == nil)
        #expect(race.connected() == false)
    }

    @Test("whatever happens, each address is tried once and one connection used, or all have failed")
    func anyOrder() {
        for seed in 0..<UInt64(rounds(500)) {
            var generator = SeededGenerator(seed: seed)
            let places = (0..<Int.random(in: 1...6, using: &generator)).map { number in
                Bool.random(using: &generator) ? Self.v4(number) : Self.v6(number)
            }
            var race = HappyEyeballs(places)
            var (tried, open, used, hasFailed) = ([] as [Int], 0, 0, false)
            func act(_ action: HappyEyeballs.Action?) {
                switch action {
                case .attempt(let number):
                    tried.append(number)
                    open += 1
                case .fail: hasFailed = true
                case nil: break
                }
            }
            act(race.begin())
            while open > 0 {
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: act(race.delayElapsed())
                case 1:
                    open -= 1
                    used += race.connected() ? 1 : 0
                default:
                    open -= 1
                    act(race.attemptFailed())
                }
            }
            #expect(tried == Array(places.indices.prefix(tried.count)), "seed \(seed)")
            #expect(used == 1 || hasFailed && tried.count == places.count, "seed \(seed)")
            #expect(!(used == 1 && hasFailed), "seed \(seed)")
        }
    }
}

@Suite struct ConnectionRaceTests {
    private static let places: [Endpoint] = [
        .tcp(host: "fd00::1", port: 1_000), .tcp(host: "10.0.0.1", port: 1_000),
    ]

    private final class OpenEnds: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }
        func change(_ difference: Int) { number.withLock { $0 += difference } }
    }

    /// Connects to the places on which somebody listens, with those cut off that are said to be silent; how long that
    /// takes, and how many connections the servers have in the end.
    private static func race(listening: [Int], silent: [Int] = [], timeout: Duration = .seconds(5)) async throws -> (
        milliseconds: Int64, error: String?, openEnds: Int
    ) {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let open = OpenEnds()
            for number in listening {
                _ = try await runtime.network.listen(on: places[number]) { channel in
                    open.change(1)
                    channel.closeFuture.whenComplete { _ in open.change(-1) }
                    return channel.eventLoop.makeSucceededVoidFuture()
                }.get()
            }
            for number in silent { runtime.partition(to: places[number]) }
            let (start, loop) = (runtime.now, runtime.eventLoopGroup.next())
            var error: String?
            do {
                _ = try await runtime.network.connect(toFirstOf: places, on: loop, timeout: timeout) { channel in
                    channel.eventLoop.makeSucceededVoidFuture()
                }.get()
            } catch let failure {
                error = "\(failure)"
            }
            let time = start.duration(to: runtime.now).inNanoseconds / 1_000_000
            for number in silent { runtime.heal(to: places[number]) }
            try await runtime.sleep(for: .seconds(10))
            return (time, error, open.count)
        }
    }

    @Test("an address that answers within its start is the only one that is tried")
    func first() async throws {
        let result = try await Self.race(listening: [0, 1])
        #expect(result.error == nil && result.milliseconds < 10 && result.openEnds == 1)
    }

    @Test("where the first address is silent the second is tried 250 ms later, and the first closed when it answers")
    func silent() async throws {
        let result = try await Self.race(listening: [0, 1], silent: [0])
        #expect(result.error == nil)
        #expect((250...260).contains(result.milliseconds), "\(result.milliseconds) ms")
        #expect(result.openEnds == 1)
    }

    @Test("where the first address refuses the second is tried at once")
    func refused() async throws {
        let result = try await Self.race(listening: [1])
        #expect(result.error == nil && result.milliseconds < 10)
    }

    @Test("where both refuse, the failure names both")
    func allRefused() async throws {
        let result = try await Self.race(listening: [])
        #expect(result.error?.contains("[fd00::1]:1000") == true && result.error?.contains("10.0.0.1:1000") == true)
    }

    @Test("where both are silent it ends in time, and a later answer is closed")
    func allSilent() async throws {
        let result = try await Self.race(listening: [0, 1], silent: [0, 1], timeout: .seconds(2))
        #expect(result.error?.contains("in time") == true)
        #expect((2_000...2_010).contains(result.milliseconds), "\(result.milliseconds) ms")
        #expect(result.openEnds == 0)
    }
}
