import Tensor

/// What `Scripts/generate-numpy-goldens.py` calls an operation, as a call of the library: one line an operation.
let numPyOperations: [String: GoldenOperation] = [
    "add": { [try $0.input(0) + $0.input(1)] },
    "subtract": { [try $0.input(0) - $0.input(1)] },
    "multiply": { [try $0.input(0) * $0.input(1)] },
    "divide": { [try $0.input(0) / $0.input(1)] },
    "equal": { [try $0.input(0) .== $0.input(1)] },
    "not_equal": { [try $0.input(0) .!= $0.input(1)] },
    "less": { [try $0.input(0) .< $0.input(1)] },
    "less_equal": { [try $0.input(0) .<= $0.input(1)] },
    "greater": { [try $0.input(0) .> $0.input(1)] },
    "greater_equal": { [try $0.input(0) .>= $0.input(1)] },
    "select": { [try .select($0.input(0), $0.input(1), $0.input(2))] },
    "negative": { [try $0.input(0).negated()] },
    "exp": { [try $0.input(0).exp()] },
    "log": { [try $0.input(0).log()] },
    "sqrt": { [try $0.input(0).squareRoot()] },
    "sum": { [try $0.input(0).sum(axes: $0.integers("axes"), keepsDimensions: $0.isTrue("keepdims"))] },
    "mean": { [try $0.input(0).mean(axes: $0.integers("axes"), keepsDimensions: $0.isTrue("keepdims"))] },
    "max": { [try $0.input(0).max(axes: $0.integers("axes"), keepsDimensions: $0.isTrue("keepdims"))] },
    "argmax": { [try $0.input(0).argmax(axis: $0.integer("axis") ?? -1)] },
    "softmax": { [try $0.input(0).softmax(axis: $0.integer("axis") ?? -1)] },
    "matmul": { [try $0.input(0).matmul($0.input(1))] },
    "contiguous": { [try $0.input(0)] },
    "reshape": { [try $0.input(0).reshaped(to: Shape($0.integers("shape") ?? []))] },
    "concatenate": { [try .concatenate([$0.input(0), $0.input(1)], axis: $0.integer("axis") ?? 0)] },
    "element": { [try $0.input(0).element($0.integer("index") ?? 0, axis: $0.integer("axis") ?? 0)] },
    "gather_rows": { [try $0.input(0).gatherRows($0.input(1))] },
    "cast": { golden in
        let name = golden.text("dtype") ?? ""
        guard let dtype = DType.allCases.first(where: { "\($0)" == name }) else { throw OutsideScope(name) }
        return [try golden.input(0).cast(to: dtype)]
    },
]
