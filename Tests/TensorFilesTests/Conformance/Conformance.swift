import Tensor

/// How cases end, by operation.
struct Conformance {
    /// How one case ended.
    enum Outcome: Equatable {
        case passed
        /// Another answer, or an error where there is an answer.
        case failed(String)
        /// The operation, or its element type, is not there.
        case lacking(String)
        /// The library does not have it, on purpose.
        case outside(String)
    }

    /// Each case's name and outcome, in order, by operation.
    private(set) var outcomes: [String: [(name: String, outcome: Outcome)]] = [:]

    /// Runs each case whose operation is in the dictionary.
    init(
        _ cases: [GoldenCase], _ operations: [String: GoldenOperation],
        tolerance: (GoldenCase) -> (relative: Double, absolute: Double)
    ) {
        for golden in cases {
            let outcome = Self.run(golden, operations, tolerance(golden))
            outcomes[golden.operation, default: []].append((golden.name, outcome))
        }
    }

    private static func run(
        _ golden: GoldenCase, _ operations: [String: GoldenOperation], _ tolerance: (relative: Double, absolute: Double)
    ) -> Outcome {
        guard let operation = operations[golden.operation] else { return .lacking("no such operation") }
        do {
            let found = try operation(golden)
            guard found.count == golden.outputs.count else {
                return .failed("\(found.count) outputs, expected \(golden.outputs.count)")
            }
            for (place, (found, expected)) in zip(found, golden.outputs).enumerated() {
                if let fault = try difference(
                    found, expected, tolerance: tolerance.relative, absolute: tolerance.absolute)
                {
                    return .failed("output \(place): \(fault)")
                }
            }
            return .passed
        } catch let error as TensorError where golden.text("raises") == error.code.description {
            return .passed
        } catch let error as OutsideScope {
            return .outside(error.reason)
        } catch let error as Lacking {
            return .lacking(error.reason)
        } catch let error as TensorError where error.code == .dtypeMismatch || error.code == .dtypeUnsupported {
            return .lacking("no such element type")
        } catch {
            return .failed("\(error)")
        }
    }

    /// The cases with another answer than the expected one: operation, name, and what differs.
    var failures: [String] {
        outcomes.sorted { $0.key < $1.key }.flatMap { operation, cases in
            cases.compactMap { name, outcome in
                if case .failed(let fault) = outcome { "\(operation), \(name): \(fault)" } else { nil }
            }
        }
    }

    /// A table of counts by operation, in Markdown.
    var table: String {
        var rows = ["| operation | passed | failed | lacking | outside the scope |", "|---|--:|--:|--:|--:|"]
        var totals = [0, 0, 0, 0]
        for (operation, cases) in outcomes.sorted(by: { $0.key < $1.key }) {
            var counts = [0, 0, 0, 0]
            for (_, outcome) in cases {
                switch outcome {
                case .passed: counts[0] += 1
                case .failed: counts[1] += 1
                case .lacking: counts[2] += 1
                case .outside: counts[3] += 1
                }
            }
            rows.append("| \(operation) | \(counts.map(String.init).joined(separator: " | ")) |")
            totals = zip(totals, counts).map(+)
        }
        rows.append("| **together** | \(totals.map(String.init).joined(separator: " | ")) |")
        return rows.joined(separator: "\n")
    }

    /// The cases that did not pass, by operation and reason, in Markdown.
    func reasons(namingCases: Bool) -> String {
        var lines: [String] = []
        for (operation, cases) in outcomes.sorted(by: { $0.key < $1.key }) {
            var names: [String: [String]] = [:]
            for (name, outcome) in cases {
                switch outcome {
                case .passed: continue
                case .failed(let fault): names["failed: \(fault)", default: []].append(name)
                case .lacking(let reason): names["lacking: \(reason)", default: []].append(name)
                case .outside(let reason): names["outside the scope: \(reason)", default: []].append(name)
                }
            }
            for (reason, names) in names.sorted(by: { $0.key < $1.key }) {
                lines.append(
                    "- \(operation), \(reason): " + (namingCases ? names.joined(separator: " ") : "\(names.count)"))
            }
        }
        return lines.joined(separator: "\n")
    }
}
