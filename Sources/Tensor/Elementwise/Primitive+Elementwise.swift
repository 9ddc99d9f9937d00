extension Primitive {
    /// One result for each element. Their ids are below 100, and 1,000 to 1,999.
    static let allElementwise: [Primitive] = [
        add, subtract, multiply, divide, negate, exponential, logarithm, squareRoot,
        relu, reluGradient, compare, select, cast,
        floatCast, floorDivide, floorRemainder, truncatingRemainder, power, larger, smaller, angle, hypotenuse,
        copySign,
        logAddExp, bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight, isNaN, isInfinite, isFinite,
    ]
}
