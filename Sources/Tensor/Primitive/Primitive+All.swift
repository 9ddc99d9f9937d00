extension Primitive {
    /// Every primitive there is, in the order of their ids, which are consecutive from 1. The tests walk it: for
    /// derivatives that are pending, and for finite differences of those that are not.
    package static let all: [Primitive] = [
        add, subtract, multiply, divide, negate, exponential, logarithm, squareRoot, relu, reluGradient, compare,
        select, cast, reshape, transpose, broadcast, slice, embed, sum, maximum, argmax, softmax, logSoftmax,
        matrixProduct, gatherRows, scatterAddRows, concatenate, crossEntropy, crossEntropyGradient,
    ]
}
