import Tensor

/// Products of matrices.
let onnxMatrices: [String: GoldenOperation] = [
    "MatMul": { [try $0.input(0).matmul($0.input(1))] },
    "Gemm": { golden in
        func matrix(_ place: Int, _ flag: String) throws -> AnyTensor {
            let matrix = try golden.input(place)
            return golden.integer(flag) == 1 ? try matrix.transposed() : matrix
        }
        let alpha = try AnyTensor.scalar(Float(golden.number("alpha") ?? 1))
        let beta = try AnyTensor.scalar(Float(golden.number("beta") ?? 1))
        let product = try matrix(0, "transA").matmul(matrix(1, "transB")) * alpha
        guard let added = golden.optionalInput(2) else { return [product] }
        return [try product + added * beta]
    },
    "Det": { [try $0.input(0).determinant()] },
    "Einsum": { golden in
        let operands = try golden.inputs.indices.map(golden.input)
        return [try .einsum(golden.text("equation") ?? "", operands)]
    },
]
