import Tensor

/// Products, and what is asked of matrices.
let numPyMatrices: [String: GoldenOperation] = [
    "matmul": { [try $0.input(0).matmul($0.input(1))] },
    "inner": { [try $0.input(0).inner($0.input(1))] },
    "outer": { [try $0.input(0).outer($0.input(1))] },
    "kron": { [try $0.input(0).kron($0.input(1))] },
    "tensordot": { golden in
        let (left, right) = (golden.integers("left") ?? [], golden.integers("right") ?? [])
        return [try golden.input(0).tensorDot(golden.input(1), axes: left, right)]
    },
    "einsum": { golden in
        [try .einsum(golden.text("equation") ?? "", golden.inputs.indices.map(golden.input))]
    },
    "vdot": { [try $0.input(0).flatDot($0.input(1))] },
    "vecdot": { [try $0.input(0).vectorDot($0.input(1))] },
    "cross": { [try $0.input(0).cross($0.input(1))] },
    "trace": { [try $0.input(0).matrixTrace(offset: $0.integer("k") ?? 0)] },
    "matrix_power": { [try $0.input(0).matrixPower($0.integer("k") ?? 0).diagonal()] },
    "pinv": { [try $0.input(0).pseudoInverse()] },
    "lstsq": { [try $0.input(0).leastSquares($0.input(1))] },
    "slogdet": { golden in
        let (sign, logarithm) = try golden.input(0).signAndLogDeterminant()
        return [sign, logarithm]
    },
    "qr": { golden in
        let matrix = try golden.input(0)
        let shared = min(matrix.shape[matrix.rank - 1], matrix.shape[matrix.rank - 2])
        let (q, r) = try matrix.qr(complete: golden.text("mode") == "complete")
        return [try q.sliced(axis: -1, 0..<shared), r]
    },
    "solve": { [try $0.input(0).solve($0.input(1))] },
    "inv": { [try $0.input(0).inverse()] },
    "det": { [try $0.input(0).determinant()] },
    "cholesky": { [try $0.input(0).cholesky()] },
    "eigvalsh": { [try $0.input(0).symmetricEigenvalues()] },
    "svdvals": { [try $0.input(0).singularValues()] },
]
