import Synchronization

/// Shows how far each worker is, and its loss: a bar a worker on a terminal, a line at each tenth of the way elsewhere.
///
/// Safe to share: the rows are guarded by a mutex.
package final class ProgressBoard: Sendable {
    private struct Row {
        var name: String
        var progress: RoleReport.Progress
        var isLost = false
        var tenthsPrinted = 0
    }

    private let console: Console
    private let rows = Mutex<[Row]>([])

    package init(console: Console) {
        self.console = console
    }

    /// Shows a worker's newest report.
    package func update(_ name: String, _ progress: RoleReport.Progress) {
        rows.withLock { rows in
            let index: Int
            if let known = rows.firstIndex(where: { $0.name == name }) {
                index = known
                rows[index].progress = progress
            } else {
                index = rows.count
                rows.append(Row(name: name, progress: progress))
                rows[index].tenthsPrinted = Self.tenths(progress)
            }
            show(rows)
            guard !console.style.isInteractive, Self.tenths(progress) > rows[index].tenthsPrinted else { return }
            rows[index].tenthsPrinted = Self.tenths(progress)
            console.print(Self.line(name, progress))
        }
    }

    /// Shows that a worker is gone; its row stays as it was.
    package func lose(_ name: String) {
        rows.withLock { rows in
            for index in rows.indices where rows[index].name == name { rows[index].isLost = true }
            show(rows)
        }
    }

    private func show(_ rows: [Row]) {
        let width = rows.map(\.name.count).max() ?? 0
        console.show(
            live: rows.map { row in
                let name = row.name.padding(to: width)
                let bar = Self.bar(
                    row.progress, width: max(8, min(40, console.style.columns - width - 46)), console.style)
                return "  \(name) \(bar) \(row.isLost ? "killed" : Self.figures(row.progress))"
            })
    }

    /// A worker's state in one plain line.
    static func line(_ name: String, _ progress: RoleReport.Progress) -> String {
        "  \(name) \(figures(progress))"
    }

    private static func tenths(_ progress: RoleReport.Progress) -> Int {
        progress.steps > 0 ? progress.step * 10 / progress.steps : 0
    }

    private static func figures(_ progress: RoleReport.Progress) -> String {
        let percent = progress.steps > 0 ? progress.step * 100 / progress.steps : 0
        return
            "\("\(percent)".padding(to: 3, .right))%  epoch \(progress.epoch)  step \(progress.step)/\(progress.steps)"
            + "  loss \(decimal(Double(progress.loss), digits: 4))"
    }

    private static func bar(_ progress: RoleReport.Progress, width: Int, _ style: TerminalStyle) -> String {
        let filled = progress.steps > 0 ? min(width, progress.step * width / progress.steps) : 0
        let (full, empty) = style.usesUnicode ? ("█", "░") : ("#", ".")
        return String(repeating: full, count: filled) + String(repeating: empty, count: width - filled)
    }
}
