import MeshWire
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

/// One thread, one loop: what has run is looked at between two steps.
@Suite struct LoopExecutorTests {
    /// What tasks did, in order.
    final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    private func spawn(_ executor: LoopExecutor, _ body: @escaping @Sendable @concurrent () async -> Void) {
        _ = Task(executorPreference: executor, operation: body)
    }

    @Test("a job runs in the loop's next turn and never inside its enqueueing")
    func nextTurn() {
        let loop = EmbeddedEventLoop()
        let executor = LoopExecutor(loop)
        let log = Log()
        spawn(executor) { log.add("ran") }
        #expect(log.all.isEmpty)
        loop.run()
        #expect(log.all == ["ran"])
    }

    @Test("jobs that come up during a read run when it is complete, in order and once")
    func reading() {
        let loop = EmbeddedEventLoop()
        let executor = LoopExecutor(loop)
        let log = Log()
        for number in 0..<5 { spawn(executor) { log.add("\(number)") } }
        #expect(log.all.isEmpty)
        executor.finishReading()
        #expect(log.all == ["0", "1", "2", "3", "4"])
        loop.run()
        #expect(log.all.count == 5)
    }

    @Test("jobs of a read that is never complete, as its connection is gone, run in the loop's next turn")
    func brokenReading() {
        let loop = EmbeddedEventLoop()
        let executor = LoopExecutor(loop)
        let log = Log()
        loop.execute { self.spawn(executor) { log.add("ran") } }
        loop.run()
        #expect(log.all == ["ran"])
    }

    @Test("an executor that is halted begins no job, whoever drains it, and runs those that waited when it goes on")
    func halting() {
        let loop = EmbeddedEventLoop()
        let executor = LoopExecutor(loop)
        let log = Log()
        for number in 0..<4 {
            spawn(executor) {
                log.add("\(number)")
                if number == 1 { executor.halt() }
            }
        }
        loop.run()
        #expect(log.all == ["0", "1"])
        spawn(executor) { log.add("4") }
        executor.finishReading()
        loop.run()
        #expect(log.all == ["0", "1"])
        executor.goOn()
        loop.run()
        #expect(log.all == ["0", "1", "2", "3", "4"])
    }

    @Test("a job that a job starts runs after those that wait already")
    func order() {
        let loop = EmbeddedEventLoop()
        let executor = LoopExecutor(loop)
        let log = Log()
        spawn(executor) {
            log.add("first")
            _ = Task(executorPreference: executor) { log.add("third") }
            log.add("still first")
        }
        spawn(executor) { log.add("second") }
        loop.run()
        #expect(log.all == ["first", "still first", "second", "third"])
    }

    @Test("a read that completes inside a job runs no other job inside it")
    func nested() {
        let loop = EmbeddedEventLoop()
        let executor = LoopExecutor(loop)
        let log = Log()
        spawn(executor) {
            log.add("begins")
            executor.finishReading()
            log.add("ends")
        }
        spawn(executor) { log.add("next") }
        loop.run()
        #expect(log.all == ["begins", "ends", "next"])
    }

    @Test("thousands of jobs run, in bounded batches")
    func batches() {
        let loop = EmbeddedEventLoop()
        let executor = LoopExecutor(loop)
        let log = Log()
        for number in 0..<3_000 { spawn(executor) { log.add("\(number)") } }
        executor.finishReading()
        #expect(log.all.count < 3_000)
        loop.run()
        #expect(log.all == (0..<3_000).map { "\($0)" })
    }

    @Test("tasks that yield to each other for ever let others in")
    func fairness() {
        let loop = EmbeddedEventLoop()
        let executor = LoopExecutor(loop)
        let log = Log()
        let isOver = Mutex(false)
        for _ in 0..<3 {
            spawn(executor) {
                while !isOver.withLock({ $0 }) { await Task.yield() }
                log.add("over")
            }
        }
        // The loop's own work comes between two batches of jobs that are never done.
        loop.execute { loop.execute { isOver.withLock { $0 = true } } }
        loop.run()
        #expect(log.all == ["over", "over", "over"])
    }
}
