import Synchronization
import Testing

@testable import Telemetry

@Suite struct TapTests {
    private func event(_ number: Int, status: String = "ok") -> TapEvent {
        TapEvent(
            direction: .outbound, method: "s/\(number)", peer: "spiffe://d/db", status: status,
            nanoseconds: Int64(number))
    }

    private func show(on tap: Tap, _ event: TapEvent, now: Int64, chance: Double) {
        tap.show(event.direction, status: event.status, nanoseconds: event.nanoseconds, now: now, chance: { chance }) {
            event
        }
    }

    private func options(_ change: (inout TapSubscriber.Options) -> Void) -> TapSubscriber.Options {
        var options = TapSubscriber.Options()
        change(&options)
        return options
    }

    @Test("a tap is off until somebody watches and after the last one stops")
    func onAndOff() throws {
        let tap = Tap()
        #expect(!tap.isWatched)
        let (one, other) = (try tap.watch(options { _ in }, now: 0), try tap.watch(options { _ in }, now: 0))
        #expect(tap.isWatched)
        show(on: tap, event(1), now: 1, chance: 0)
        tap.stop(one)
        #expect(tap.isWatched)
        show(on: tap, event(2), now: 2, chance: 0)
        tap.stop(other)
        #expect(!tap.isWatched)
        show(on: tap, event(3), now: 3, chance: 0)
        let batches = [one.take(), other.take()]
        #expect(batches.map { $0.events.map(\.method) } == [["s/1"], ["s/1", "s/2"]])
        #expect(batches.map(\.isEnded) == [true, true])
    }

    @Test("a watcher sees what its filter lets through, at most so many a second, and is told of the rest")
    func limits() throws {
        let tap = Tap()
        let watcher = try tap.watch(
            options {
                $0.filter = TapFilter(statuses: ["ok"])
                $0.perSecond = 2
                $0.burst = 2
            }, now: 0)
        for number in 0..<10 {
            show(on: tap, event(number), now: Int64(number) * 100_000_000, chance: 0)
            show(on: tap, event(number, status: "cancelled"), now: Int64(number) * 100_000_000, chance: 0)
        }
        let batch = watcher.take()
        // Two at once, one more after half a second; the tenth comes at 0.9 s.
        #expect(batch.events.map(\.method) == ["s/0", "s/1", "s/5"])
        #expect(batch.limited == 7)
        #expect(batch.dropped == 0)
        #expect(watcher.take().events.isEmpty)
    }

    @Test("a watcher that takes nothing keeps what came first, and the rest is counted")
    func slow() throws {
        let tap = Tap()
        let watcher = try tap.watch(options { $0.capacity = 3 }, now: 0)
        for number in 0..<10 { show(on: tap, event(number), now: 0, chance: 0) }
        let batch = watcher.take()
        #expect(batch.events.map(\.method) == ["s/0", "s/1", "s/2"])
        #expect(batch.dropped == 7)
        show(on: tap, event(11), now: 0, chance: 0)
        #expect(watcher.take().events.map(\.method) == ["s/11"])
    }

    @Test("of a call that nobody watches for no event is made and no dice are thrown, of any other once")
    func laziness() throws {
        let tap = Tap()
        var (events, dice) = (0, 0)
        func show(_ status: String) {
            tap.show(.inbound, status: status, nanoseconds: 5, now: 1) {
                dice += 1
                return 0.5
            } _: {
                events += 1
                return TapEvent(direction: .inbound, method: "s/m", peer: nil, status: status, nanoseconds: 5)
            }
        }
        let watchers = try [0.6, 0.7, 0.4].map { share in
            try tap.watch(
                options {
                    $0.filter = TapFilter(statuses: ["unavailable"])
                    $0.share = share
                }, now: 0)
        }
        show("ok")
        #expect((events, dice) == (0, 0))
        show("unavailable")
        #expect((events, dice) == (1, 1))
        #expect(watchers.map { $0.take().events.count } == [1, 1, 0])
    }

    @Test("a share of the calls is chosen by chance")
    func share() throws {
        let seed: UInt64 = 0x7A9
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let tap = Tap()
        let watcher = try tap.watch(
            options {
                $0.share = 0.1
                $0.capacity = .max
                $0.burst = .infinity
                $0.perSecond = .infinity
            }, now: 0)
        for number in 0..<10_000 {
            show(on: tap, event(number), now: Int64(number), chance: Double.random(in: 0..<1, using: &generator))
        }
        #expect(abs(watcher.take().events.count - 1_000) < 120)
    }

    @Test("a watch ends at its time, when a call comes, when somebody sweeps, or when another begins")
    func expiry() throws {
        let tap = Tap(maximumWatchers: 1)
        func watch(at now: Int64) throws -> TapSubscriber { try tap.watch(options { $0.nanoseconds = 100 }, now: now) }
        let first = try watch(at: 0)
        show(on: tap, event(1), now: 99, chance: 0)
        show(on: tap, event(2), now: 100, chance: 0)
        #expect(!tap.isWatched)
        #expect(first.take().events.count == 1)
        #expect(first.take().isEnded)
        let second = try watch(at: 200)
        tap.sweep(now: 299)
        #expect(tap.isWatched)
        tap.sweep(now: 300)
        #expect(!tap.isWatched)
        #expect(second.take().isEnded)
        let third = try watch(at: 400)
        #expect(throws: Tap.TooManyWatchers.self) { try watch(at: 499) }
        _ = try watch(at: 500)
        #expect(third.take().isEnded)
    }

    @Test("whoever waits is woken once: when a call comes, or when it is over")
    func wakes() throws {
        final class Wakes: Sendable {
            let count = Atomic(0)
        }
        let (tap, wakes) = (Tap(), Wakes())
        let watcher = try tap.watch(options { _ in }, now: 0)
        func wait() { watcher.whenReady { wakes.count.add(1, ordering: .relaxed) } }
        wait()
        #expect(wakes.count.load(ordering: .relaxed) == 0)
        show(on: tap, event(1), now: 0, chance: 0)
        show(on: tap, event(2), now: 0, chance: 0)
        #expect(wakes.count.load(ordering: .relaxed) == 1)
        wait()
        #expect(wakes.count.load(ordering: .relaxed) == 2)
        _ = watcher.take()
        wait()
        tap.stop(watcher)
        #expect(wakes.count.load(ordering: .relaxed) == 3)
        wait()
        #expect(wakes.count.load(ordering: .relaxed) == 4)
    }

    @Test("calls from many tasks are shown or counted, while watchers come and go")
    func concurrent() async throws {
        let tap = Tap()
        let watcher = try tap.watch(options { $0.capacity = 500 }, now: 0)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for step in 0..<500 where tap.isWatched {
                        show(on: tap, event(task * 500 + step), now: 0, chance: 0)
                    }
                }
            }
            group.addTask {
                for _ in 0..<100 {
                    guard let other = try? tap.watch(TapSubscriber.Options(), now: 0) else { continue }
                    tap.stop(other)
                }
            }
        }
        let batch = watcher.take()
        #expect(UInt64(batch.events.count) + batch.limited + batch.dropped == 2_000)
    }
}
