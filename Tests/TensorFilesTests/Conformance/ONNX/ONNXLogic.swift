import Tensor

/// Comparisons, and what works on bools and bits.
let onnxLogic: [String: GoldenOperation] = [
    "Equal": { [try $0.input(0) .== $0.input(1)] },
    "Less": { [try $0.input(0) .< $0.input(1)] },
    "LessOrEqual": { [try $0.input(0) .<= $0.input(1)] },
    "Greater": { [try $0.input(0) .> $0.input(1)] },
    "GreaterOrEqual": { [try $0.input(0) .>= $0.input(1)] },
    "And": { [try $0.input(0).logicalAnd($0.input(1))] },
    "Or": { [try $0.input(0).logicalOr($0.input(1))] },
    "Xor": { [try $0.input(0).logicalXor($0.input(1))] },
    "Not": { [try $0.input(0).logicalNot()] },
    "BitwiseAnd": { [try $0.input(0) & $0.input(1)] },
    "BitwiseOr": { [try $0.input(0) | $0.input(1)] },
    "BitwiseXor": { [try $0.input(0) ^ $0.input(1)] },
    "BitwiseNot": { [try ~$0.input(0)] },
    "BitShift": { golden in
        let (x, y) = (try golden.input(0), try golden.input(1))
        return [golden.text("direction") == "LEFT" ? try x << y : try x >> y]
    },
    "IsNaN": { [try $0.input(0).isNaN()] },
    "IsInf": { golden in
        let x = try golden.input(0)
        var isCounted = try x.isInfinite()
        if golden.integer("detect_positive") == 0 { isCounted = try isCounted.logicalAnd(x .< 0) }
        if golden.integer("detect_negative") == 0 { isCounted = try isCounted.logicalAnd(x .> 0) }
        return [isCounted]
    },
]
