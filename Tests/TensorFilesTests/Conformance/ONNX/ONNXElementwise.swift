import Tensor

/// Elementwise operators: one or two operands that broadcast.
let onnxElementwise: [String: GoldenOperation] = [
    "Add": { [try $0.input(0) + $0.input(1)] },
    "Sub": { [try $0.input(0) - $0.input(1)] },
    "Mul": { [try $0.input(0) * $0.input(1)] },
    "Div": { [try $0.input(0) / $0.input(1)] },
    "Neg": { [try $0.input(0).negated()] },
    "Exp": { [try $0.input(0).exp()] },
    "Log": { [try $0.input(0).log()] },
    "Sqrt": { [try $0.input(0).squareRoot()] },
    "Relu": { [try $0.input(0).relu()] },
    "Equal": { [try $0.input(0) .== $0.input(1)] },
    "Less": { [try $0.input(0) .< $0.input(1)] },
    "LessOrEqual": { [try $0.input(0) .<= $0.input(1)] },
    "Greater": { [try $0.input(0) .> $0.input(1)] },
    "GreaterOrEqual": { [try $0.input(0) .>= $0.input(1)] },
    "Where": { [try .select($0.input(0), $0.input(1), $0.input(2))] },
    "Identity": { [try $0.input(0)] },
    "Cast": { [try $0.input(0).cast(to: GoldenCase.dtype(ofONNX: $0.integer("to") ?? 0))] },
    "CastLike": { [try $0.input(0).cast(to: $0.input(1).dtype)] },
    "Sum": { golden in
        let rest = try (1..<golden.inputs.count).map(golden.input)
        return [try rest.reduce(golden.input(0)) { try $0 + $1 }]
    },
]
