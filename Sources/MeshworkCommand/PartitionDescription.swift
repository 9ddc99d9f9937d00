import Coordination
import Identity
import MeshWire
import Optimizers
import ParameterServer
import Tensor

/// What a snapshot of a partition looks like, for people and for programs.
struct PartitionDescription {
    /// One of its tensors.
    private struct Line {
        var name: String
        var elements: Int
        var norm: Double
        var low: Float
        var high: Float
        var first: [Float]

        init(_ name: String, _ tensor: AnyTensor, values: Int) throws(TensorError) {
            let scalars = try tensor.scalars(as: Float.self)
            self.name = name
            elements = scalars.count
            norm = scalars.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            low = scalars.min() ?? 0
            high = scalars.max() ?? 0
            first = Array(scalars.prefix(max(0, values)))
        }
    }

    private let name: PartitionName
    private let snapshot: PartitionSnapshot
    private let tensors: [Line]
    /// Of a row table, in place of tensors.
    private let rows: RowSummary?

    init(
        _ name: PartitionName, _ snapshot: PartitionSnapshot, _ table: TableDeclaration, values: Int
    ) throws {
        self.name = name
        self.snapshot = snapshot
        rows = try snapshot.rowSummary(of: table, keys: max(0, values))
        guard rows == nil else {
            tensors = []
            return
        }
        var tensors = [try Line("parameters", snapshot.parameters, values: values)]
        for (name, slot) in zip(table.updateRule.slotNames, snapshot.slots) {
            tensors.append(try Line(name, slot, values: values))
        }
        self.tensors = tensors
    }

    private var head: [(String, String)] {
        [
            ("id", "\(snapshot.partition)"), ("epoch", "\(snapshot.epoch)"),
            ("intactSince", "\(snapshot.intactSince)"), ("applied", "\(snapshot.applied)"),
            ("counter", "\(snapshot.auditCounter)"), ("stepCount", "\(snapshot.stepCount)"),
            ("position", "\(snapshot.position)"),
        ]
    }

    private func slot(of session: SessionID) -> String {
        snapshot.fence.entries.first { $0.session == session && !$0.hasEnded }.map { "\($0.slot)" } ?? "-"
    }

    var text: String {
        var lines = "\(name)\n  \(head.map { "\($0) \($1)" }.joined(separator: ", "))\n"
        var table = TextTable("  tensor", "elements", "norm", "least", "greatest", "first")
        for line in tensors {
            table.add(
                "  \(line.name)", "\(line.elements)", "\(line.norm)", "\(line.low)", "\(line.high)",
                line.first.map { "\($0)" }.joined(separator: " "))
        }
        if let rows {
            lines += "  rows \(rows.rowCount), slabs \(rows.slabCount), bytes \(rows.byteCount)"
            lines += rows.firstKeys.isEmpty ? "\n" : ", keys \(rows.firstKeys.map { "\($0)" }.joined(separator: " "))\n"
        } else {
            lines += table.text
        }
        var sessions = TextTable("  session", "slot", "applied", "rejected", "skipped", "answers")
        for (session, account) in snapshot.accounts {
            sessions.add(
                "  \(session)", slot(of: session), "\(account.applied)", "\(account.rejected)", "\(account.skipped)",
                "\(account.answers.count)")
        }
        return lines + (snapshot.accounts.isEmpty ? "" : sessions.text)
    }

    var json: JSON {
        let tensors = tensors.map { line in
            JSON.object([
                .init("name", .string(line.name)), .init("elements", .number(line.elements)),
                .init("norm", Self.number(line.norm)), .init("least", Self.number(Double(line.low))),
                .init("greatest", Self.number(Double(line.high))),
                .init("first", .array(line.first.map { Self.number(Double($0)) })),
            ])
        }
        let sessions = snapshot.accounts.map { session, account in
            JSON.object([
                .init("session", .string("\(session)")), .init("slot", .string(slot(of: session))),
                .init("applied", .string("\(account.applied)")), .init("rejected", .string("\(account.rejected)")),
                .init("skipped", .string("\(account.skipped)")),
                .init("answers", .number(account.answers.count)),
            ])
        }
        let contents =
            rows.map { rows in
                JSON.Member(
                    "rows",
                    .object([
                        .init("count", .number(rows.rowCount)), .init("slabs", .number(rows.slabCount)),
                        .init("bytes", .number(rows.byteCount)),
                        .init("keys", .array(rows.firstKeys.map { .number("\($0)") })),
                    ]))
            } ?? JSON.Member("tensors", .array(tensors))
        return .object(
            [.init("name", .string("\(name)"))] + head.map { JSON.Member($0, .number($1)) }
                + [contents, .init("sessions", .array(sessions))])
    }

    /// JSON has no infinity and no NaN.
    private static func number(_ value: Double) -> JSON {
        value.isFinite ? .number("\(value)") : .string("\(value)")
    }
}
