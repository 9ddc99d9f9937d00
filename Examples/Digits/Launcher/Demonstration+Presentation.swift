import ProcessKit

extension Demonstration {
    /// Shows how the model server did, and a few digits with what it says of them, a wrong one among them if there is
    /// one.
    func show(_ serving: ServingFigures, _ answers: [PredictedDigit], _ digits: HeldOutDigits) {
        console.print(["", console.emphasised("The model server's answers")])
        console.print(
            "\(serving.summary.requests) held-out digits: accuracy \(decimal(serving.accuracy, digits: 4)),"
                + " latency p50 \(decimal(serving.summary.p50Microseconds, digits: 0)) µs,"
                + " p99 \(decimal(serving.summary.p99Microseconds, digits: 0)) µs")
        let wrong = answers.indices.filter { answers[$0].digit != digits.labels[$0] }
        let count = max(1, min(4, (console.style.columns - 2) / (DigitDrawing.side + 2)))
        let chosen = (Array(answers.indices.prefix(max(0, count - 1))) + (wrong.first.map { [$0] } ?? [count - 1]))
        let row = chosen.map { index in
            let isRight = answers[index].digit == digits.labels[index]
            let caption = "it says \(answers[index].digit)" + (isRight ? "" : ", it is \(digits.labels[index])")
            return (drawing: DigitDrawing(pixels: digits.images[index]), caption: caption)
        }
        console.print(DigitDrawing.row(row, console.style))
    }

    /// Shows who is connected to whom.
    ///
    /// - Returns: the TLS version that all of them use.
    /// - Throws: `LaunchError` when they do not use the same one.
    func show(connections: [NamedConnection]) throws -> String {
        var table = TextTable(("process", .left), ("", .left), ("verified peer", .left), ("TLS", .left))
        for (process, figures) in connections {
            table.add(process, figures.isInbound ? "from" : "to", figures.peer, figures.tlsVersion)
        }
        console.print(["", console.emphasised("Connections")])
        console.print(table.lines)
        let versions = Set(connections.map(\.figures.tlsVersion)).sorted()
        guard versions.count == 1 else {
            throw LaunchError("connections use different TLS versions: \(versions.joined(separator: ", "))")
        }
        return versions[0]
    }
}
