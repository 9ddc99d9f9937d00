extension Primitive {
    /// One result for each element. Their ids are below 100, and 1,000 to 1,999.
    static let allElementwise: [Primitive] =
        [
            add, subtract, multiply, divide, negate, exponential, logarithm, squareRoot,
            relu, reluGradient, compare, select, cast,
            floatCast, floorDivide, floorRemainder, truncatingRemainder, power, larger, smaller, angle, hypotenuse,
            copySign,
            logAddExp, bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight, isNaN, isInfinite, isFinite,
        ] + allFunctions

    /// Functions of one number, ids from 1,100 on.
    private static let allFunctions: [Primitive] = [
        absolute, sign, square, reciprocal, reciprocalSquareRoot, ceiling, floor, round, truncate,
        exponential2, exponentialMinusOne, logarithm2, logarithm10, logarithmOnePlus, sine, cosine, tangent,
        arcSine, arcCosine, arcTangent, hyperbolicSine, hyperbolicCosine, hyperbolicTangent, areaSine,
        areaCosine, areaTangent, errorFunction, complementaryErrorFunction, inverseErrorFunction, sigmoid,
        logSigmoid, gelu, geluTanh, silu, mish, softplus, hardSigmoid, hardSwish, bitwiseNot,
    ]
}
