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
    "trace": { [try $0.input(0).matrixTrace()] },
    "solve": { [try $0.input(0).solve($0.input(1))] },
    "inv": { [try $0.input(0).inverse()] },
    "det": { [try $0.input(0).determinant()] },
    "cholesky": { [try $0.input(0).cholesky()] },
    "eigvalsh": { [try $0.input(0).symmetricEigenvalues()] },
    "svdvals": { [try $0.input(0).singularValues()] },
]
