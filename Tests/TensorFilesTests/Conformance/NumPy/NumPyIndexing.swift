import Tensor

/// Elements by their places: subscripts, indices in tensors, masks, and writing to all of these.
let numPyIndexing: [String: GoldenOperation] = [
    "element": { [try $0.input(0).element($0.integer("index") ?? 0, axis: $0.integer("axis") ?? 0)] },
    "index": { [try $0.input(0).indexed(by: $0.subscripts())] },
    "index_beyond": { golden in
        do {
            return [try golden.input(0).indexed(by: golden.subscripts())]
        } catch let error as TensorError where error.code == .indexOutOfRange {
            throw OutsideScope("a range past an end of its axis throws; NumPy cuts it off")
        }
    },
    "assign": { golden in
        var result = try golden.input(0)
        try result.assign(golden.input(1), at: golden.subscripts())
        return [result]
    },
    "gather_rows": { [try $0.input(0).gatherRows($0.input(1))] },
    "take": { [try $0.input(0).taking($0.input(1), axis: $0.axis)] },
    "take_along_axis": { [try $0.input(0).taking(along: $0.axis, $0.input(1))] },
    "take_tuples": { [try $0.input(0).taking(tuples: $0.inputs(from: 1))] },
    "put_tuples": { [try $0.input(0).scattering($0.input(1), tuples: $0.inputs(from: 2), mode: $0.scatterMode())] },
    "put_along_axis": { golden in
        [try golden.input(0).scattering(golden.input(2), along: golden.axis, golden.input(1))]
    },
    "put_slices": { golden in
        let mode = try golden.scatterMode()
        let (indices, source) = (try golden.input(1), try golden.input(2))
        return [try golden.input(0).scattering(slices: source, at: indices, axis: golden.axis, mode: mode)]
    },
    "masked_select": { [try $0.input(0).taking(where: $0.input(1))] },
    "masked_assign": { [try $0.input(0).assigning($0.input(2), where: $0.input(1))] },
]

extension GoldenCase {
    /// The inputs behind the first ones.
    fileprivate func inputs(from start: Int) throws -> [AnyTensor] { try (start..<inputs.count).map(input) }

    /// How elements that are written meet those that are there.
    fileprivate func scatterMode() throws -> ScatterMode {
        guard let name = text("mode") else { return .set }
        guard let mode = ScatterMode.allCases.first(where: { "\($0)" == name }) else { throw Lacking("mode \(name)") }
        return mode
    }

    /// A subscript as Python writes it, one text for each part: `2`, `1:5:2`, `::-1`, `...`, `None`.
    fileprivate func subscripts() throws -> [TensorIndex] {
        guard case .list(let parts)? = attributes["subscript"] else { return [] }
        return try parts.compactMap(\.text).map { part in
            if part == "..." { return .ellipsis }
            if part == "None" { return .newAxis }
            if let place = Int(part) { return .at(place) }
            let bounds = part.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
            guard bounds.count == 2 || bounds.count == 3 else { throw Lacking("the subscript \(part)") }
            return .stride(from: bounds[0], to: bounds[1], by: bounds.count == 3 ? bounds[2] ?? 1 : 1)
        }
    }
}
