import MeshTransport

/// One call and what came of it, as the table shows it.
struct Visit {
    var wire: String
    var method: String
    var answer: String
    var microseconds: Double

    /// Makes a call and notes how long it took.
    static func make(
        _ wire: String, _ method: String, _ body: () async throws -> String
    ) async throws -> Visit {
        let clock = ContinuousClock()
        let start = clock.now
        let answer: String
        do {
            answer = try await body()
        } catch let error as MeshError {
            // Answers that are no success are shown; a call without any ends the demonstration.
            guard error.progress == .answered || error.progress == .notSent, let status = error.status else {
                throw error
            }
            answer = "\(status): \(error.message)"
        }
        return Visit(
            wire: wire, method: method, answer: answer,
            microseconds: (clock.now - start) / .microseconds(1))
    }

    /// Rows in columns.
    static func table(_ visits: [Visit]) -> String {
        let rows =
            [["wire", "method", "time", "answer"]]
            + visits.map { [$0.wire, $0.method, "\(Int($0.microseconds)) µs", $0.answer] }
        // The last column needs none.
        let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 } + [0]
        return rows.map { row in
            "  "
                + zip(row, widths).map { text, width in text + String(repeating: " ", count: max(0, width - text.count))
                }
                .joined(separator: "  ") + "\n"
        }.joined()
    }
}
