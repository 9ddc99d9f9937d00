import ProcessKit
import Synchronization
import Testing

@Suite("The console and the progress board")
struct ConsoleTests {
    private final class Output: Sendable {
        private let text = Mutex("")
        func console(interactive: Bool) -> Console {
            var style = TerminalStyle.plain
            style.isInteractive = interactive
            return Console(style: style) { more in self.text.withLock { $0 += more } }
        }
        var written: String { text.withLock { $0 } }
    }

    private static func progress(_ step: Int) -> RoleReport.Progress {
        .init(slot: 0, epoch: 1, step: step, steps: 100, loss: 0.25)
    }

    @Test("where lines cannot be redrawn, a worker's progress is a plain line at each tenth of the way")
    func plain() {
        let output = Output()
        let board = ProgressBoard(console: output.console(interactive: false))
        for step in [1, 9, 10, 15, 31, 100] { board.update("worker 0", Self.progress(step)) }
        let lines = output.written.split(separator: "\n").map(String.init)
        #expect(lines.count == 3)
        #expect(lines.first == "  worker 0  10%  epoch 1  step 10/100  loss 0.2500")
        #expect(!output.written.contains("\u{1B}"))
    }

    @Test("on a terminal, a line that stays is printed above the bars, which are drawn again below it")
    func interactive() {
        let output = Output()
        let console = output.console(interactive: true)
        let board = ProgressBoard(console: console)
        board.update("worker 0", Self.progress(50))
        let bar = output.written
        #expect(bar.contains("####") && bar.contains("50%"))
        console.print("something happened")
        #expect(output.written == bar + "\u{1B}[1F\u{1B}[J" + "something happened\n" + bar)
    }

    @Test("a lost worker's row says so")
    func lost() {
        let output = Output()
        let board = ProgressBoard(console: output.console(interactive: true))
        board.update("worker 1", Self.progress(50))
        board.lose("worker 1")
        #expect(output.written.hasSuffix("killed\n"))
    }
}
