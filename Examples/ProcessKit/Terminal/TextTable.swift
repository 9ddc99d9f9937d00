/// Rows of text in columns, for people.
package struct TextTable: Sendable {
    package enum Alignment: Sendable {
        case left
        case right
    }

    private let header: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// - Parameter columns: each column's heading and alignment.
    package init(_ columns: (heading: String, alignment: Alignment)...) {
        header = columns.map(\.heading)
        alignments = columns.map(\.alignment)
    }

    /// Adds a row, with a cell for each column.
    package mutating func add(_ cells: String...) {
        precondition(cells.count == header.count, "a row of \(cells.count) cells in a table of \(header.count) columns")
        rows.append(cells)
    }

    /// The heading, a rule and the rows, indented by two spaces, without trailing ones.
    package var lines: [String] {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        let rule = widths.map { String(repeating: "-", count: $0) }
        return ([header, rule] + rows).map { cells in
            let line =
                "  " + cells.indices.map { cells[$0].padding(to: widths[$0], alignments[$0]) }.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
