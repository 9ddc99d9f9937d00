import Tensor

/// Functions of one operand, element by element.
let numPyUnary: [String: GoldenOperation] = [
    "negative": { [try $0.input(0).negated()] },
    "abs": { [try $0.input(0).abs()] },
    "sign": { [try $0.input(0).sign()] },
    "square": { [try $0.input(0).squared()] },
    "reciprocal": { [try $0.input(0).reciprocal()] },
    "sqrt": { [try $0.input(0).squareRoot()] },
    "floor": { [try $0.input(0).floor()] },
    "ceil": { [try $0.input(0).ceil()] },
    "rint": { [try $0.input(0).rounded()] },
    "trunc": { [try $0.input(0).truncated()] },
    "exp": { [try $0.input(0).exp()] },
    "exp2": { [try $0.input(0).exp2()] },
    "expm1": { [try $0.input(0).expm1()] },
    "log": { [try $0.input(0).log()] },
    "log2": { [try $0.input(0).log2()] },
    "log10": { [try $0.input(0).log10()] },
    "log1p": { [try $0.input(0).log1p()] },
    "sin": { [try $0.input(0).sin()] },
    "cos": { [try $0.input(0).cos()] },
    "tan": { [try $0.input(0).tan()] },
    "arcsin": { [try $0.input(0).asin()] },
    "arccos": { [try $0.input(0).acos()] },
    "arctan": { [try $0.input(0).atan()] },
    "sinh": { [try $0.input(0).sinh()] },
    "cosh": { [try $0.input(0).cosh()] },
    "tanh": { [try $0.input(0).tanh()] },
    "arcsinh": { [try $0.input(0).asinh()] },
    "arccosh": { [try $0.input(0).acosh()] },
    "arctanh": { [try $0.input(0).atanh()] },
    "isnan": { [try $0.input(0).isNaN()] },
    "isinf": { [try $0.input(0).isInfinite()] },
    "isfinite": { [try $0.input(0).isFinite()] },
    "invert": { [try ~$0.input(0)] },
    "nan_to_num": { golden in
        let (upper, lower) = (golden.number("posinf"), golden.number("neginf"))
        return [
            try golden.input(0).replacingNonFinite(
                nan: golden.number("nan") ?? 0, positiveInfinity: upper, negativeInfinity: lower)
        ]
    },
    "logical_not": { [try $0.input(0).logicalNot()] },
]
