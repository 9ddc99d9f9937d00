import Tensor

/// Arithmetic: one or more operands that broadcast.
let onnxElementwise: [String: GoldenOperation] = [
    "Add": { [try $0.input(0) + $0.input(1)] },
    "Sub": { [try $0.input(0) - $0.input(1)] },
    "Mul": { [try $0.input(0) * $0.input(1)] },
    "Div": { golden in
        let (x, y) = (try golden.input(0), try golden.input(1))
        guard x.dtype.isInteger else { return [try x / y] }
        // ONNX rounds toward 0: what is left after the remainder of that division divides exactly.
        return [try (x - x.truncatingRemainder(dividingBy: y)).floorDivided(by: y)]
    },
    "Mod": { golden in
        let (x, y) = (try golden.input(0), try golden.input(1))
        let isTruncating = golden.integer("fmod") == 1
        return [isTruncating ? try x.truncatingRemainder(dividingBy: y) : try x.floorRemainder(dividingBy: y)]
    },
    "Pow": { golden in
        let (base, exponent) = (try golden.input(0), try golden.input(1))
        // The result has the base's type, the power is computed in that of floats where there is one.
        let dtype = base.dtype.isFloatingPoint ? base.dtype : exponent.dtype
        return [try base.cast(to: dtype).raised(to: exponent.cast(to: dtype)).cast(to: base.dtype)]
    },
    "Neg": { [try $0.input(0).negated()] },
    "Abs": { [try $0.input(0).abs()] },
    "Sign": { [try $0.input(0).sign()] },
    "Reciprocal": { [try $0.input(0).reciprocal()] },
    "Sqrt": { [try $0.input(0).squareRoot()] },
    "Ceil": { [try $0.input(0).ceil()] },
    "Floor": { [try $0.input(0).floor()] },
    "Round": { [try $0.input(0).rounded()] },
    "Clip": { [try $0.input(0).clipped(from: $0.optionalInput(1), to: $0.optionalInput(2))] },
    "Max": { golden in [try golden.folded { try .maximum($0, $1) }] },
    "Min": { golden in [try golden.folded { try .minimum($0, $1) }] },
    "Sum": { golden in [try golden.folded { try $0 + $1 }] },
    "Mean": { golden in
        let sum = try golden.folded { try $0 + $1 }
        return [try sum / Double(golden.inputs.count)]
    },
    "Where": { [try .select($0.input(0), $0.input(1), $0.input(2))] },
    "Identity": { [try $0.input(0)] },
    "Cast": { [try $0.input(0).cast(to: GoldenCase.dtype(ofONNX: $0.integer("to") ?? 0))] },
    "CastLike": { [try $0.input(0).cast(to: $0.input(1).dtype)] },
]

extension GoldenCase {
    /// The inputs, combined from the first to the last.
    fileprivate func folded(_ combine: (AnyTensor, AnyTensor) throws -> AnyTensor) throws -> AnyTensor {
        let rest = try (1..<inputs.count).map(input)
        return try rest.reduce(input(0), combine)
    }
}
