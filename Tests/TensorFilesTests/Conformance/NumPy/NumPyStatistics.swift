import Tensor

/// Orders of rows, counts of values, and norms.
let numPyStatistics: [String: GoldenOperation] = [
    "median": { [try $0.input(0).median(axis: $0.integer("axis"))] },
    "quantile": { [try $0.input(0).quantile($0.number("q") ?? 0, axis: $0.integer("axis"))] },
    "partition": { [try $0.input(0).kthSmallest($0.integer("k") ?? 0, axis: $0.axis)] },
    "bincount": { [try $0.input(0).binCounts(minimumCount: $0.integer("minlength") ?? 0)] },
    "bincount_weights": {
        [try $0.input(0).binCounts(weights: $0.input(1), minimumCount: $0.integer("minlength") ?? 0)]
    },
    "histogram": { golden in
        let ends = golden.integers("range") ?? [0, 0]
        let range = Double(ends[0])...Double(ends[1])
        return [try golden.input(0).histogram(bins: golden.integer("bins") ?? 0, range: range)]
    },
    "norm": { [try $0.input(0).norm(order: $0.number("order") ?? 2, axes: $0.reducedAxes)] },
    "matrix_norm": { golden in
        let norms: [String: MatrixNorm] = [
            "fro": .frobenius, "nuc": .nuclear, "1": .one, "inf": .infinity, "2": .spectral, "-1": .minusOne,
            "-inf": .minusInfinity, "-2": .minusTwo,
        ]
        let name = golden.text("order") ?? ""
        guard let norm = norms[name] else { throw Lacking("the norm \(name)") }
        return [try golden.input(0).matrixNorm(norm)]
    },
    "cond": { [try $0.input(0).conditionNumber($0.text("order") == "-2" ? .minusTwo : .spectral)] },
    "matrix_rank": { [try $0.input(0).matrixRank()] },
]
