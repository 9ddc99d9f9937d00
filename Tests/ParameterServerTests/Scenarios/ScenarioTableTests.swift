import Foundation
import Testing

/// The page names tests; they exist.
@Suite struct ScenarioTableTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../..").standardizedFileURL

    private struct Row {
        var number: String
        var isWaiting: Bool
        /// Each test that shows it: where, and its function.
        var tests: [(suite: String, function: String)]
    }

    /// The rows of the page's tables of scenarios.
    private static func rows() throws -> [Row] {
        let page = try String(
            contentsOf: root.appendingPathComponent("Documentation/Behaviours/ParameterServer.md"), encoding: .utf8)
        return page.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 4, Int(cells[0]) != nil || cells[0].hasPrefix("N") else { return nil }
            let names = cells[3].split(separator: "`").filter { $0.contains(".") && !$0.contains(" ") }
            return Row(
                number: cells[0], isWaiting: cells[3].hasPrefix("waits"),
                tests: names.map { name in
                    let parts = name.split(separator: ".")
                    return (String(parts[0]), String(parts[1]))
                })
        }
    }

    /// The text of all tests, by suite.
    private static func suites() throws -> [String: String] {
        var suites: [String: String] = [:]
        let folder = root.appendingPathComponent("Tests")
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift" else { continue }
            suites[file.deletingPathExtension().lastPathComponent] = try String(contentsOf: file, encoding: .utf8)
        }
        return suites
    }

    @Test("every scenario is in the table, with a test that exists or with what it waits for")
    func table() throws {
        let (rows, suites) = (try Self.rows(), try Self.suites())
        #expect(rows.filter { Int($0.number) != nil }.map(\.number) == (1...46).map { "\($0)" })
        #expect(rows.count == 46 + 7)
        for row in rows {
            #expect(row.isWaiting != !row.tests.isEmpty, "row \(row.number) has neither a test nor a reason, or both")
            for (suite, function) in row.tests {
                // What stands between a test's mark and its function is no other function.
                let isTest = (suites[suite] ?? "").components(separatedBy: "@Test").dropFirst().contains { text in
                    text.components(separatedBy: "func ").dropFirst().first?.hasPrefix("\(function)(") == true
                }
                #expect(isTest, "row \(row.number): there is no test \(suite).\(function)")
            }
        }
        let waiting = Set(rows.filter(\.isWaiting).map(\.number))
        #expect(
            waiting.isSuperset(of: ["5", "16", "19", "20", "35", "38", "41"] + (23...33).map { "\($0)" }),
            "\(waiting.sorted())")
    }
}
