import Tensor

/// Functions of one number.
let onnxFunctions: [String: GoldenOperation] = [
    "Exp": { [try $0.input(0).exp()] },
    "Log": { [try $0.input(0).log()] },
    "Erf": { [try $0.input(0).erf()] },
    "Sin": { [try $0.input(0).sin()] },
    "Cos": { [try $0.input(0).cos()] },
    "Tan": { [try $0.input(0).tan()] },
    "Asin": { [try $0.input(0).asin()] },
    "Acos": { [try $0.input(0).acos()] },
    "Atan": { [try $0.input(0).atan()] },
    "Sinh": { [try $0.input(0).sinh()] },
    "Cosh": { [try $0.input(0).cosh()] },
    "Tanh": { [try $0.input(0).tanh()] },
    "Asinh": { [try $0.input(0).asinh()] },
    "Acosh": { [try $0.input(0).acosh()] },
    "Atanh": { [try $0.input(0).atanh()] },
]

/// Activations. Where ONNX has a number that the library's own function has not, it is made of simpler ones.
let onnxActivations: [String: GoldenOperation] = [
    "Relu": { [try $0.input(0).relu()] },
    "Sigmoid": { [try $0.input(0).sigmoid()] },
    "Softplus": { [try $0.input(0).softplus()] },
    "Mish": { [try $0.input(0).mish()] },
    "HardSwish": { [try $0.input(0).hardSwish()] },
    "Gelu": { golden in
        let x = try golden.input(0)
        return [golden.text("approximate") == "tanh" ? try x.geluTanh() : try x.gelu()]
    },
    "LeakyRelu": { [try $0.input(0).leakyRelu(slope: $0.number("alpha") ?? 0.01)] },
    "Elu": { [try $0.input(0).elu(scale: $0.number("alpha") ?? 1)] },
    "Selu": { golden in
        let scale = golden.number("alpha") ?? 1.6732632423543772
        return [try golden.input(0).elu(scale: scale) * (golden.number("gamma") ?? 1.0507009873554805)]
    },
    "Celu": { golden in
        let width = golden.number("alpha") ?? 1
        return [try (golden.input(0) / width).elu() * width]
    },
    "HardSigmoid": { golden in
        let line = try golden.input(0) * (golden.number("alpha") ?? 0.2) + (golden.number("beta") ?? 0.5)
        return [try line.clipped(from: .scalar(0, dtype: line.dtype), to: .scalar(1, dtype: line.dtype))]
    },
    "PRelu": { golden in
        let x = try golden.input(0)
        return [try .select(x .< 0, x * golden.input(1), x)]
    },
    "ThresholdedRelu": { golden in
        let x = try golden.input(0)
        return [try .select(x .> (golden.number("alpha") ?? 1), x, .scalar(0, dtype: x.dtype))]
    },
    "Shrink": { golden in
        let (x, bias) = (try golden.input(0), golden.number("bias") ?? 0)
        let bound = golden.number("lambd") ?? 0.5
        let above = try AnyTensor.select(x .> bound, x - bias, .scalar(0, dtype: x.dtype))
        return [try .select(x .< -bound, x + bias, above)]
    },
    "Softsign": { golden in
        let x = try golden.input(0)
        return [try x / (x.abs() + 1)]
    },
]
