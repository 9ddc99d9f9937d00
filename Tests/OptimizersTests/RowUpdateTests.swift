import Optimizers
import Tensor
import Testing

@Suite struct RowUpdateTests {
    static let rules: [UpdateRule] = [
        .sgd(learningRate: 0.1), .sgd(learningRate: 0.1, momentum: 0.9), .adagrad(), .rowwiseAdagrad(),
        .rmsprop(momentum: 0.5), .adam(learningRate: 0.05), .adamW(learningRate: 0.05), .ftrl(l1: 0.1),
    ]
    /// Which rows each of the gradients names; several times, in no order, or none.
    static let named: [[Int64]] = [[4, 0], [0, 0, 2], [], [2, 4, 2, 2], [0], [1]]
    static let (rowCount, width) = (5, 19)

    static func gradient(_ number: Int, rows: [Int64]) throws -> RowSparse {
        let key = RandomKey(seed: 9).foldIn("\(number)")
        return try RowSparse(
            indices: AnyTensor(rows, shape: [rows.count]), values: key.normal([rows.count, width]), rowCount: rowCount)
    }

    @Test("each row goes as if it were a parameter of its own that only saw its own gradients", arguments: rules)
    func rowsAreApart(rule: UpdateRule) throws {
        var table = try RandomKey(seed: 8).normal([Self.rowCount, Self.width])
        let before = table
        var state = try rule.makeRowState(table.shape)
        for (number, rows) in Self.named.enumerated() {
            try rule.apply(to: &table, rows: try Self.gradient(number, rows: rows), state: &state)
        }
        for row in 0..<Self.rowCount {
            var alone = try before.sliced(axis: 0, row..<(row + 1))
            var own = try rule.makeState(alone.shape)
            for (number, rows) in Self.named.enumerated() where rows.contains(Int64(row)) {
                let dense = try Self.gradient(number, rows: rows).toDense()
                try rule.apply(to: &alone, gradient: dense.sliced(axis: 0, row..<(row + 1)), state: &own)
            }
            #expect(state.stepCounts[row] == own.stepCount)
            let found = try table.sliced(axis: 0, row..<(row + 1)).scalars(as: Float.self)
            for (found, expected) in zip(found, try alone.scalars(as: Float.self)) {
                // The decays' powers are a product in one and squares in the other.
                #expect(abs(found - expected) <= 1e-6 * max(1, abs(expected)), "row \(row)")
            }
        }
        #expect(
            try table.sliced(axis: 0, 3..<4).scalars(as: Float.self)
                == (try before.sliced(axis: 0, 3..<4).scalars(as: Float.self)))
    }

    @Test("a table that nothing else refers to is updated where it lies, a copy keeps its values")
    func inPlace() throws {
        let rule = UpdateRule.adam()
        var table = try RandomKey(seed: 8).normal([Self.rowCount, Self.width])
        let values = try table.scalars(as: Float.self)
        var state = try rule.makeRowState(table.shape)
        func addresses() -> [Int] {
            ([table] + state.slots).map { $0.withBytes { Int(bitPattern: $0.baseAddress) } }
        }
        let before = addresses()
        try rule.apply(to: &table, rows: try Self.gradient(0, rows: [1, 2]), state: &state)
        #expect(addresses() == before)
        let copy = table
        let stepped = try table.scalars(as: Float.self)
        #expect(stepped != values)
        try rule.apply(to: &table, rows: try Self.gradient(1, rows: [1, 2]), state: &state)
        #expect(try copy.scalars() == stepped)
    }

    @Test("what does not fit is refused, and changes nothing")
    func refusals() throws {
        let rule = UpdateRule.adam()
        let gradient = try Self.gradient(0, rows: [1])
        let good = try AnyTensor.zeros([Self.rowCount, Self.width])
        let cases: [(AnyTensor, RowOptimizerState, TensorError.Code)] = [
            (try .zeros([Self.rowCount + 1, Self.width]), try rule.makeRowState(good.shape), .shapeMismatch),
            (try .zeros(good.shape, dtype: .float64), try rule.makeRowState(good.shape), .dtypeMismatch),
            (good, try rule.makeRowState([Self.rowCount - 1, Self.width]), .shapeMismatch),
            (good, try UpdateRule.adagrad().makeRowState(good.shape), .shapeMismatch),
            (good, RowOptimizerState(slots: [good, try .zeros([3])], stepCounts: [0, 0, 0, 0, 0]), .shapeMismatch),
        ]
        for (table, state, code) in cases {
            var (table, state) = (table, state)
            let error = #expect(throws: TensorError.self) {
                try rule.apply(to: &table, rows: gradient, state: &state)
            }
            #expect(error?.code == code)
            #expect(state.stepCounts.allSatisfy { $0 == 0 })
        }
        #expect(throws: TensorError.self) { try rule.makeRowState([]) }
    }
}
