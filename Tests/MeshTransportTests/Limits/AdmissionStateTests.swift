import MeshWire
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct AdmissionStateTests {
    /// What the state machine is to be, without its lists and its heap: an array that is searched.
    private struct Model {
        struct Waiting {
            let call: Int
            let priority: CallPriority
            let deadline: RuntimeInstant

            var level: Int { CallPriority.allCases.firstIndex(of: priority)! }
        }

        var limit: Int
        var queue: Int
        var running = 0
        var waiting: [Waiting] = []
        var hold = ServiceTime()

        /// The first of the highest priority.
        var first: Int? { waiting.indices.min { (waiting[$0].level, $0) < (waiting[$1].level, $1) } }
        /// The last of the lowest.
        var last: Int? { waiting.indices.max { (waiting[$0].level, $0) < (waiting[$1].level, $1) } }

        mutating func arrive(_ new: Waiting, likely: Double, now: RuntimeInstant) -> String {
            if running < limit, waiting.isEmpty {
                running += 1
                return "admitted"
            }
            let before = waiting.filter { $0.level <= new.level }.count
            let free = before == 0 && running < limit
            let excess = running > limit ? Double(running - limit) / Double(running * limit).squareRoot() : 0
            let wait = free ? 0 : (hold.mean ?? 0) * (Double(before + 1) / Double(limit) + excess)
            if Double(now.nanoseconds(to: new.deadline)) <= wait + likely { return "refused deadline" }
            var evicted = ""
            if waiting.count >= queue {
                guard let last, waiting[last].level > new.level else { return "refused full" }
                evicted = " for \(waiting.remove(at: last).call)"
            }
            waiting.append(new)
            return "waits\(evicted)"
        }

        mutating func next(now: RuntimeInstant, likely: (Int) -> Double) -> String? {
            if waiting.count > queue, let last { return "\(waiting.remove(at: last).call) full" }
            guard running < limit, let first else { return nil }
            let next = waiting.remove(at: first)
            if Double(now.nanoseconds(to: next.deadline)) <= likely(next.call) { return "\(next.call) deadline" }
            running += 1
            return "\(next.call) admitted"
        }
    }

    /// Calls of three methods: two whose times are known, and one of which nothing is.
    private static func likely(_ call: Int) -> Double { Double(call % 3) * 2e6 }

    @Test("whatever comes in whatever order, it does what a searched array would", arguments: 1...40)
    func asModelled(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        func any(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        var rule = AdmissionRule("test", limit: .fixed(any(1...5)))
        rule.queue = any(0...12)
        var state = AdmissionState<Int>(rule)
        var model = Model(limit: 0, queue: rule.queue)
        if case .fixed(let limit) = rule.limit { model.limit = limit }
        var tickets: [Int: Int] = [:]
        var time = RuntimeInstant(nanoseconds: 0)
        for call in 0..<2_000 {
            time = time.advanced(by: .microseconds(any(0...1_500)))
            let note: Comment = "seed \(seed), call \(call)"
            switch any(0...9) {
            case 0...4:
                let priority = CallPriority.allCases[any(0...2)]
                let deadline = time.advanced(by: .microseconds(any(0...40_000)))
                let expected = model.arrive(
                    .init(call: call, priority: priority, deadline: deadline), likely: Self.likely(call), now: time)
                switch state.arrive(
                    call, priority, likely: Self.likely(call), until: deadline, now: time, chance: 0)
                {
                case .admitted: #expect(expected == "admitted", note)
                case .refused(let reason): #expect(expected == "refused \(reason.rawValue)", note)
                case .waits(let ticket, let evicted):
                    #expect(expected == "waits\(evicted.map { " for \($0.0)" } ?? "")", note)
                    if let evicted { tickets[evicted.0] = nil }
                    tickets[call] = ticket
                }
            case 5...7 where model.running > 0:
                let held = Int64(any(0...10_000_000))
                state.ended(after: held, tellsTime: true, now: time, chance: 0)
                model.hold.record(nanoseconds: model.hold.mean.map { min(held, Int64($0 * 8)) } ?? held)
                model.running -= 1
            case 8 where !tickets.isEmpty:
                let gone = tickets.keys.sorted()[any(0...tickets.count - 1)]
                let ticket = try #require(tickets[gone])
                tickets[gone] = nil
                let left = state.leave(ticket)
                #expect(left == gone, note)
                model.waiting.removeAll { $0.call == gone }
            case 9 where call.isMultiple(of: 5):
                (model.limit, model.queue) = (any(1...5), any(0...12))
                rule.limit = .fixed(model.limit)
                rule.queue = model.queue
                state.follow(rule)
            default:
                break
            }
            while let (gone, _) = state.expired(now: time) {
                let due = try #require(model.waiting.firstIndex(where: { $0.call == gone }), note)
                #expect(model.waiting[due].deadline <= time, note)
                model.waiting.remove(at: due)
                tickets[gone] = nil
            }
            #expect(!model.waiting.contains { $0.deadline <= time }, note)
            while let turn = state.next(now: time, likely: Self.likely) {
                let expected = model.next(now: time, likely: Self.likely)
                switch turn {
                case .admitted(let call, _):
                    #expect(expected == "\(call) admitted", note)
                    tickets[call] = nil
                case .refused(let call, _, let reason):
                    #expect(expected == "\(call) \(reason.rawValue)", note)
                    tickets[call] = nil
                }
            }
            #expect(model.next(now: time, likely: Self.likely) == nil, note)
            #expect(state.running == model.running && state.waiting == model.waiting.count, note)
            #expect(state.nextDeadline == model.waiting.map(\.deadline).min(), note)
        }
        // All that is left goes its way.
        state.follow(nil)
        while state.next(now: time, likely: { _ in 0 }) != nil {}
        #expect(state.waiting == 0)
        while state.running > 0 { state.ended(after: 1, tellsTime: false, now: time, chance: 0) }
    }

    /// A state whose one place is taken, and which knows that places are kept for 10 ms.
    private func taken(queue: Int = 10) -> AdmissionState<String> {
        var rule = AdmissionRule("test", limit: .fixed(1))
        rule.queue = queue
        var state = AdmissionState<String>(rule)
        for _ in 0..<200 {
            let isFree = state.takeFree()
            #expect(isFree)
            state.ended(after: 10_000_000, tellsTime: true, now: .at(.zero), chance: 0)
        }
        let (first, second) = (state.takeFree(), state.takeFree())
        #expect(first && !second)
        return state
    }

    private func arrive(
        _ state: inout AdmissionState<String>, _ name: String, _ priority: CallPriority = .normal,
        within time: Duration = .seconds(1), likely: Double = 0
    ) -> String {
        switch state.arrive(name, priority, likely: likely, until: .at(time), now: .at(.zero), chance: 0) {
        case .admitted: "admitted"
        case .refused(let reason): reason.rawValue
        case .waits(_, let evicted): "waits" + (evicted.map { " for \($0.0)" } ?? "")
        }
    }

    private func drain(_ state: inout AdmissionState<String>) -> [String] {
        var order: [String] = []
        while state.waiting > 0 {
            state.ended(after: 10_000_000, tellsTime: true, now: .at(.zero), chance: 0)
            guard case .admitted(let name, _) = state.next(now: .at(.zero), likely: { _ in 0 }) else { break }
            order.append(name)
        }
        return order
    }

    @Test("who waits has the turn of its priority, and of its coming")
    func order() {
        var state = taken()
        for (name, priority) in [
            ("b1", .background), ("n1", .normal), ("u1", .urgent), ("n2", .normal), ("b2", .background),
            ("u2", .urgent),
        ] as [(String, CallPriority)] { #expect(arrive(&state, name, priority) == "waits") }
        #expect(drain(&state) == ["u1", "u2", "n1", "n2", "b1", "b2"])
    }

    @Test("a full queue gives the room of the newest of the lowest priority to a higher one, and to nobody else")
    func full() {
        var state = taken(queue: 3)
        #expect(arrive(&state, "n1") == "waits")
        #expect(arrive(&state, "b1", .background) == "waits")
        #expect(arrive(&state, "b2", .background) == "waits")
        #expect(arrive(&state, "b3", .background) == "full")
        #expect(arrive(&state, "n2") == "waits for b2")
        #expect(arrive(&state, "u1", .urgent) == "waits for b1")
        #expect(arrive(&state, "n3") == "full")
        #expect(arrive(&state, "u2", .urgent) == "waits for n2")
        #expect(drain(&state) == ["u1", "u2", "n1"])
    }

    @Test("a call is refused at once if its turn and its answer would come after its deadline")
    func hopeless() {
        var state = taken()
        // The place becomes free after 10 ms; the next but one after 20.
        #expect(arrive(&state, "late", within: .milliseconds(9)) == "deadline")
        #expect(arrive(&state, "slow", within: .milliseconds(14), likely: 5e6) == "deadline")
        #expect(arrive(&state, "a", within: .milliseconds(16), likely: 5e6) == "waits")
        #expect(arrive(&state, "behind", within: .milliseconds(19)) == "deadline")
        // Those of lower priorities are not in its way.
        #expect(arrive(&state, "before", .urgent, within: .milliseconds(11)) == "waits")
        #expect(state.waiting == 2)
    }

    @Test("what is over a limit that has shrunk is gone soon, and an attempt that was not made tells nothing")
    func shrunk() {
        var state = AdmissionState<String>(AdmissionRule("test", limit: .fixed(100)))
        let free = (0..<100).map { _ in state.takeFree() }
        #expect(free.allSatisfy { $0 })
        state.ended(after: 50_000_000, tellsTime: true, now: .at(.zero), chance: 0)
        let again = state.takeFree()
        #expect(again)
        state.follow(AdmissionRule("test", limit: .fixed(3)))
        // Of 97 that are under way side by side none is waited for by itself.
        #expect(state.expectedWait(.normal) < 6 * 50e6)
        #expect(state.expectedWait(.normal) > 50e6)
        let before = state.expectedWait(.normal)
        state.ended(after: nil, tellsTime: false, now: .at(.zero), chance: 0)
        #expect(state.running == 99 && state.expectedWait(.normal) < before)
        // One that was held for an hour counts as one of eight times the usual.
        state.ended(after: 3_600_000_000_000, tellsTime: false, now: .at(.zero), chance: 0)
        #expect(state.expectedWait(.normal) < 1.3 * before)
    }

    @Test("streams that are open when latency begins to decide take no place from calls with one answer")
    func openStreams() {
        var state = AdmissionState<String>(AdmissionRule("test", limit: .fixed(20)))
        for _ in 0..<10 { _ = state.takeFree(isStream: true) }
        let configuration = GradientConfiguration()
        state.follow(AdmissionRule("test", limit: .gradient(configuration)))
        let places = state.limit
        let taken = (0...places).map { _ in state.takeFree() }
        #expect(taken == Array(repeating: true, count: places) + [false])
        #expect(state.running == 10 + places)
        for _ in 0..<10 { state.ended(after: 1, tellsTime: false, isStream: true, now: .at(.zero), chance: 0) }
        let isFree = state.takeFree()
        #expect(!isFree && state.running == places)
    }

    @Test("one whose turn comes too late for its answer gives it to the next")
    func stale() {
        var state = taken()
        #expect(arrive(&state, "stale", within: .milliseconds(20)) == "waits")
        #expect(arrive(&state, "fresh") == "waits")
        let now = RuntimeInstant.at(.milliseconds(16))
        state.ended(after: 16_000_000, tellsTime: true, now: now, chance: 0)
        guard case .refused("stale", .normal, .deadline) = state.next(now: now, likely: { _ in 5e6 }) else {
            Issue.record("it was not refused")
            return
        }
        guard case .admitted("fresh", let waited) = state.next(now: now, likely: { _ in 5e6 }) else {
            Issue.record("the next one did not have its place")
            return
        }
        #expect(waited == .milliseconds(16))
        if state.next(now: now, likely: { _ in 5e6 }) != nil { Issue.record("two had one place") }
        #expect(state.running == 1)
    }

    @Test("what failed moves no limit that follows latency, and calls of several messages do not count in one")
    func gradient() {
        var configuration = GradientConfiguration()
        configuration.measurements = 1
        var state = AdmissionState<Int>(AdmissionRule("test", limit: .gradient(configuration)))
        #expect(state.counts(.unary) && !state.counts(.serverStreaming))
        #expect(AdmissionState<Int>(AdmissionRule("test", limit: .fixed(1))).counts(.serverStreaming))
        func run(_ milliseconds: Int64, at second: Int, tellsTime: Bool) {
            var places = 0
            while state.takeFree() { places += 1 }
            for place in 0..<places {
                state.ended(
                    after: milliseconds * 1_000_000, tellsTime: tellsTime,
                    now: .at(.seconds(second) + .milliseconds(place * 900 / places)), chance: 0)
            }
        }
        for second in 0..<20 { run(10, at: second, tellsTime: true) }
        let found = state.limit
        #expect(found > 3)
        for second in 20..<30 { run(60_000, at: second, tellsTime: false) }
        #expect(state.limit == found)
        for second in 30..<40 { run(60_000, at: second, tellsTime: true) }
        #expect(state.limit < found)
    }

    @Test("rules name what cannot be, and the first that names a destination is for it")
    func policy() {
        var negative = AdmissionRule("b", limit: .fixed(0))
        negative.queue = -1
        let policy = AdmissionPolicy(rules: [AdmissionRule("b", services: ["x"], limit: .fixed(1)), negative])
        #expect(
            policy.problems == [
                "rule 2 (\"b\"): the name is taken by an earlier rule",
                "rule 2 (\"b\"): limit must be at least 1, is 0", "rule 2 (\"b\"): queue must not be negative, is -1",
            ])
        #expect(policy.rule(for: "x")?.limit == .fixed(1) && policy.rule(for: "y")?.limit == .fixed(0))
        #expect(AdmissionPolicy().rule(for: "x") == nil)
    }
}
