import Testing

@testable import MeshWire

/// The window on paths that are simulated: a queue of one rate in front of a delay.
@Suite struct FlightWindowTests {
    @Test(
        "a small message waits for next to nothing, and the path is full",
        arguments: [
            Path("one machine", bytesPerSecond: 1e9, roundTrip: .microseconds(100)),
            Path("a switch of 10 Gbit/s", bytesPerSecond: 1.25e9, roundTrip: .microseconds(500)),
            Path("another region, 1 Gbit/s", bytesPerSecond: 125e6, roundTrip: .milliseconds(100)),
            Path("a thin line, 100 Mbit/s", bytesPerSecond: 12.5e6, roundTrip: .milliseconds(30)),
        ])
    func paths(path: Path) {
        var run = Run(path)
        run.advance(by: .seconds(3))
        run.beginMeasuring()
        run.advance(by: .seconds(17))
        // Half a millisecond, a quarter of what the path holds and a frame that is under way; more for a round trip after
        // everything had to arrive, when a whole window leaves at once.
        let frame = Double(FlightWindow.least) / 8 / path.bytesPerSecond
        #expect(run.wait(0.95) < 0.000_6 + frame + path.roundTrip.inSeconds / 4)
        #expect(run.wait(1) < 0.000_6 + frame + path.roundTrip.inSeconds * 5 / 4)
        #expect(run.throughput > 0.93 * path.bytesPerSecond)
    }

    @Test("a path that becomes longer is full again when the shortest answers are forgotten")
    func change() {
        var run = Run(Path("one machine", bytesPerSecond: 1e9, roundTrip: .microseconds(100)))
        run.advance(by: .seconds(7))
        run.path.roundTrip = .milliseconds(20)
        run.advance(by: .seconds(11))
        run.beginMeasuring()
        run.advance(by: .seconds(10))
        #expect(run.throughput > 0.9e9)
    }

    @Test("without small messages there is no bound and no ping")
    func alone() {
        var window = FlightWindow()
        for _ in 0..<1_000 {
            #expect(window.allowance == .max)
            window.leave(256 << 10)
            let mark = window.nextMark()
            #expect(mark == nil)
        }
        #expect(!window.wantsTime)
    }

    @Test("a small message is forgotten after 64 MiB")
    func forgetting() throws {
        var window = FlightWindow()
        window.smallMessageLeaves()
        var left: UInt64 = 0
        while window.allowance != .max {
            let part = min(window.allowance, 256 << 10)
            window.leave(part)
            left += UInt64(part)
            if let mark = window.nextMark() { expect(true, mark, &window) }
        }
        #expect(left == FlightWindow.memoryBytes)
    }

    @Test("what left before the first small message has to arrive before more leaves, whoever tells no time")
    func draining() throws {
        var window = FlightWindow()
        window.leave(16 << 20)
        window.smallMessageLeaves()
        let first = try mark(&window)
        #expect(window.allowance == 0)
        let second = window.nextMark()
        #expect(second == nil)
        expect(true, first, &window)
        let probe = try mark(&window)
        #expect(window.allowance == 0)
        expect(true, probe, &window)
        #expect(window.allowance == FlightWindow.first / 8)
    }

    @Test("an answer that nobody asked for, or that came before, says nothing")
    func unasked() throws {
        var window = FlightWindow()
        window.smallMessageLeaves()
        window.leave(FlightWindow.first)
        let first = try mark(&window)
        for value in [0, 1, first - 1, first + 1, .max] { expect(false, value, &window) }
        #expect(window.allowance == 0)
        expect(true, first, &window)
        expect(false, first, &window)
        #expect(window.allowance > 0)
    }

    /// The mark that has to leave now.
    private func mark(_ window: inout FlightWindow) throws -> UInt64 {
        let mark = window.nextMark()
        return try #require(mark)
    }

    /// Answers a ping, which is one of the window's marks or is not.
    private func expect(_ isMark: Bool, _ value: UInt64, _ window: inout FlightWindow) {
        let wasMark = window.answered(value)
        #expect(wasMark == isMark)
    }

    /// What bytes have to go through.
    struct Path: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytesPerSecond: Double
        var roundTrip: Duration

        init(_ name: String, bytesPerSecond: Double, roundTrip: Duration) {
            testDescription = name
            self.bytesPerSecond = bytesPerSecond
            self.roundTrip = roundTrip
        }
    }

    /// A sender that has more large messages than the path takes, and a small one each millisecond.
    private struct Run {
        var path: Path
        private var window = FlightWindow()
        private var now = 0.0
        /// When the path has taken what has left.
        private var free = 0.0
        private var nextSmall = 0.0
        /// The answers that are on their way, in their order.
        private var answers: [(time: Double, mark: UInt64)] = []
        private var left = 0
        private var measuredSince = 0.0
        private var waits: [Double] = []

        init(_ path: Path) { self.path = path }

        var throughput: Double { Double(left) / (now - measuredSince) }

        mutating func beginMeasuring() {
            (left, measuredSince, waits) = (0, now, [])
        }

        /// What a share of the small messages waited for less than, in seconds.
        func wait(_ share: Double) -> Double { waits.sorted()[Int(share * Double(waits.count - 1))] }

        mutating func advance(by duration: Duration) {
            let end = now + duration.inSeconds
            while now < end {
                if let first = answers.first, first.time <= nextSmall {
                    now = max(now, first.time)
                    answers.removeFirst()
                    let wasMark = window.answered(first.mark)
                    #expect(wasMark)
                    mark()
                } else {
                    now = max(now, nextSmall)
                    nextSmall = now + 0.001
                    waits.append(max(0, free - now))
                    window.smallMessageLeaves()
                    mark()
                }
                send()
                window.advance(to: RuntimeInstant(nanoseconds: Int64(now * 1e9)))
            }
        }

        private mutating func send() {
            while window.allowance > 0 {
                let count = min(window.allowance, OutboundQueue.dataFrameBytes)
                free = max(free, now) + Double(count) / path.bytesPerSecond
                window.leave(count)
                left += count
                mark()
            }
        }

        private mutating func mark() {
            guard let mark = window.nextMark() else { return }
            // Answers do not overtake each other where the path becomes shorter.
            let time = max(free, now) + path.roundTrip.inSeconds
            answers.append((max(time, answers.last?.time ?? 0), mark))
        }
    }
}
