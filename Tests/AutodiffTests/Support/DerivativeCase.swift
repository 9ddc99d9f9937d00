import Autodiff
import Tensor
import Testing

/// A use of a primitive whose derivative is compared with finite differences.
struct DerivativeCase: Sendable, CustomTestStringConvertible {
    let primitive: Primitive
    let what: String
    /// The shapes of the operands that the function is differentiated by.
    let shapes: [Shape]
    /// Where the operands' values are drawn from: away from kinks and poles.
    let range: ClosedRange<Float>
    let function: @Sendable ([AnyTensor]) throws -> AnyTensor

    init(
        _ primitive: Primitive, _ what: String, _ shapes: [Shape], in range: ClosedRange<Float> = -2...2,
        _ function: @escaping @Sendable ([AnyTensor]) throws -> AnyTensor
    ) {
        self.primitive = primitive
        self.what = what
        self.shapes = shapes
        self.range = range
        self.function = function
    }

    var testDescription: String { "\(primitive.name): \(what)" }

    /// Every differentiable primitive, with operands that broadcast, are transposed, sliced, empty or used twice.
    static let all: [DerivativeCase] =
        arithmetic + pairs + functions + views + reductions + products + indexing + linearAlgebra + sorting
        + normalizations + convolutions + attentions + compositions

    private static let arithmetic: [DerivativeCase] = {
        let shapes: [(String, [Shape])] = [
            ("scalars", [[], []]), ("equal shapes", [[3, 4], [3, 4]]), ("a row", [[3, 4], [4]]),
            ("a column and a row", [[3, 1], [1, 4]]), ("a missing axis on the left", [[4], [2, 3, 4]]),
            ("no elements", [[0, 4], [4]]),
        ]
        let operations: [(Primitive, ClosedRange<Float>, @Sendable ([AnyTensor]) throws -> AnyTensor)] = [
            (.add, -2...2, { try $0[0] + $0[1] }), (.subtract, -2...2, { try $0[0] - $0[1] }),
            (.multiply, -2...2, { try $0[0] * $0[1] }), (.divide, 0.7...2, { try $0[0] / $0[1] }),
        ]
        return operations.flatMap { primitive, range, function in
            shapes.map { DerivativeCase(primitive, $0.0, $0.1, in: range, function) } + [
                DerivativeCase(primitive, "one operand twice", [[5]], in: range) { try function([$0[0], $0[0]]) },
                DerivativeCase(primitive, "a transposed operand", [[4, 3], [3, 4]], in: range) {
                    try function([$0[0].transposed(), $0[1]])
                },
                DerivativeCase(primitive, "a constant operand", [[3]], in: range) {
                    try function([$0[0], AnyTensor([1.5, -2, 3] as [Float], shape: [3])])
                },
            ]
        }
    }()

    /// Functions of two operands that do not lie on a kink or a pole in these ranges.
    private static let pairs: [DerivativeCase] = {
        let shapes: [(String, [Shape])] = [
            ("equal shapes", [[3, 4], [3, 4]]), ("a row", [[3, 4], [4]]), ("a column and a row", [[3, 1], [1, 4]]),
        ]
        let operations: [(Primitive, ClosedRange<Float>, @Sendable ([AnyTensor]) throws -> AnyTensor)] = [
            (.power, 0.6...1.8, { try $0[0].raised(to: $0[1]) }),
            (.angle, 0.5...2, { try AnyTensor.atan2(y: $0[0], x: 0 - $0[1]) }),
            (.hypotenuse, 0.5...2, { try AnyTensor.hypot($0[0], $0[1]) }),
            (.logAddExp, -2...2, { try AnyTensor.logAddExp($0[0], $0[1]) }),
            (.larger, 0.1...1, { try AnyTensor.maximum($0[0] * alternatingSigns($0[0].shape), $0[1] * 0 + 0.05) }),
            (.smaller, 0.1...1, { try AnyTensor.minimum($0[0] * alternatingSigns($0[0].shape), $0[1] * 0 - 0.05) }),
            (.larger, 0.1...1, { try AnyTensor.maximum($0[0], $0[1] + 2) }),
            (.smaller, 0.1...1, { try AnyTensor.minimum($0[0], $0[1] - 2) }),
            // Quotients between 3.2 and 3.8, and between −3.8 and −3.2, whose whole part no small step changes.
            (.floorRemainder, 0.95...1.05, { try ($0[0] * 3.5).floorRemainder(dividingBy: $0[1]) }),
            (.floorRemainder, 0.95...1.05, { try ($0[0] * 3.5).floorRemainder(dividingBy: 0 - $0[1]) }),
            (.truncatingRemainder, 0.95...1.05, { try ($0[0] * -3.5).truncatingRemainder(dividingBy: $0[1]) }),
            (.copySign, 0.5...2, { try $0[0].copyingSign(of: 0 - $0[1]) }),
        ]
        return operations.flatMap { primitive, range, function in
            shapes.map { DerivativeCase(primitive, $0.0, $0.1, in: range, function) } + [
                DerivativeCase(primitive, "a transposed operand", [[4, 3], [3, 4]], in: range) {
                    try function([$0[0].transposed(), $0[1]])
                }
            ]
        } + [
            DerivativeCase(.floatCast, "there and back", [[3, 4]]) { try $0[0].cast(to: .float64).cast(to: .float32) }
        ]
    }()

    private static let functions: [DerivativeCase] = {
        let operations: [(Primitive, ClosedRange<Float>, @Sendable (AnyTensor) throws -> AnyTensor)] = [
            (.negate, -2...2, { try $0.negated() }), (.exponential, -2...1, { try $0.exp() }),
            (.logarithm, 0.5...2, { try $0.log() }), (.squareRoot, 0.5...2, { try $0.squareRoot() }),
            // Values of both signs, none near 0: 0.1...1, and −1...−0.1 in the odd places.
            (.relu, 0.1...1, { try ($0 * alternatingSigns($0.shape)).relu() }),
            (.absolute, 0.1...1, { try ($0 * alternatingSigns($0.shape)).abs() }),
            (.square, -2...2, { try $0.squared() }), (.reciprocal, 0.7...2, { try $0.reciprocal() }),
            (.reciprocalSquareRoot, 0.6...2, { try $0.reciprocalSquareRoot() }),
            (.exponential2, -2...1, { try $0.exp2() }), (.exponentialMinusOne, -2...1, { try $0.expm1() }),
            (.logarithm2, 0.5...2, { try $0.log2() }), (.logarithm10, 0.5...2, { try $0.log10() }),
            (.logarithmOnePlus, -0.4...2, { try $0.log1p() }), (.sine, -2...2, { try $0.sin() }),
            (.cosine, -2...2, { try $0.cos() }), (.tangent, -0.9...0.9, { try $0.tan() }),
            (.arcSine, -0.7...0.7, { try $0.asin() }), (.arcCosine, -0.7...0.7, { try $0.acos() }),
            (.arcTangent, -2...2, { try $0.atan() }), (.hyperbolicSine, -1.5...1.5, { try $0.sinh() }),
            (.hyperbolicCosine, -1.5...1.5, { try $0.cosh() }), (.hyperbolicTangent, -2...2, { try $0.tanh() }),
            (.areaSine, -2...2, { try $0.asinh() }), (.areaCosine, 1.6...3, { try $0.acosh() }),
            (.areaTangent, -0.7...0.7, { try $0.atanh() }), (.errorFunction, -2...2, { try $0.erf() }),
            (.complementaryErrorFunction, -2...2, { try $0.erfc() }),
            (.inverseErrorFunction, -0.7...0.7, { try $0.erfInverse() }), (.sigmoid, -2...2, { try $0.sigmoid() }),
            (.logSigmoid, -2...2, { try $0.logSigmoid() }), (.gelu, -2...2, { try $0.gelu() }),
            (.geluTanh, -2...2, { try $0.geluTanh() }), (.silu, -2...2, { try $0.silu() }),
            (.mish, -2...2, { try $0.mish() }), (.softplus, -2...2, { try $0.softplus() }),
            (.hardSigmoid, -2...2, { try $0.hardSigmoid() }), (.hardSwish, -2...2, { try $0.hardSwish() }),
            (.select, 0.1...1, { try ($0 * alternatingSigns($0.shape)).leakyRelu(slope: 0.2) }),
            (.exponentialMinusOne, 0.1...1, { try ($0 * alternatingSigns($0.shape)).elu(scale: 0.7) }),
            (.softmax, -2...2, { try $0.softmax() }), (.logSoftmax, -2...2, { try $0.logSoftmax() }),
        ]
        return operations.flatMap { primitive, range, function in
            [
                DerivativeCase(primitive, "a matrix", [[3, 4]], in: range) { try function($0[0]) },
                DerivativeCase(primitive, "a transposed view", [[4, 3]], in: range) {
                    try function($0[0].transposed())
                },
                DerivativeCase(primitive, "a slice backwards", [[3, 7]], in: range) {
                    try function($0[0].sliced(axis: 1, 1..<6, step: -2))
                },
                DerivativeCase(primitive, "a broadcast", [[4]], in: range) {
                    try function($0[0].broadcast(to: [2, 4]))
                },
            ]
        } + [
            DerivativeCase(.softmax, "another axis", [[3, 4]]) { try $0[0].softmax(axis: 0) },
            DerivativeCase(.reluGradient, "its cotangent", [[2, 3]]) {
                var output = try AnyTensor([1, 0, 2, 0, 0, 3] as [Float], shape: [2, 3])
                var cotangent = $0[0]
                return try Primitive.reluGradient.apply(&output, &cotangent)
            },
            DerivativeCase(.select, "both values", [[2, 3], [3]]) {
                try AnyTensor.select(AnyTensor([true, false], shape: [2, 1]), $0[0], $0[1])
            },
            DerivativeCase(.select, "a broadcast value", [[], [2]]) {
                try AnyTensor.select(AnyTensor([true, false, true, false], shape: [2, 2]), $0[0], $0[1])
            },
        ]
    }()

    private static let views: [DerivativeCase] = [
        DerivativeCase(.reshape, "flat", [[2, 3]]) { try $0[0].reshaped(to: [6]) },
        DerivativeCase(.reshape, "a transposed matrix, which is copied", [[2, 3]]) {
            try $0[0].transposed().reshaped(to: [6])
        },
        DerivativeCase(.transpose, "a cycle of axes", [[2, 3, 4]]) { try $0[0].transposed([2, 0, 1]) },
        DerivativeCase(.broadcast, "new and repeated axes", [[3, 1]]) { try $0[0].broadcast(to: [2, 3, 4]) },
        DerivativeCase(.slice, "a range", [[5, 3]]) { try $0[0].sliced(axis: 0, 1..<4) },
        DerivativeCase(.slice, "backwards in steps", [[3, 7]]) { try $0[0].sliced(axis: 1, 0..<7, step: -3) },
        DerivativeCase(.slice, "overlapping slices", [[6]]) {
            try $0[0].sliced(axis: 0, 0..<4) * $0[0].sliced(axis: 0, 2..<6)
        },
        DerivativeCase(.slice, "nothing", [[3]]) { try $0[0].sliced(axis: 0, 1..<1) },
        DerivativeCase(.embed, "the adjoint of a slice", [[4]]) {
            // The gradient of ⟨x, slice(y)⟩ by y is x embedded where the slice was.
            let x = try Tensor<Float>($0[0])
            let y = Tensor<Float>(repeating: 1, shape: [3, 9])
            let gradient = valueAndGradient(at: y) { y in
                (y.sliced(axis: 1, 0..<9, step: -2)[0].sliced(axis: 0, 0..<4) * x).sum()
            }
            return gradient.gradient.core
        },
        DerivativeCase(.stridedView, "a diagonal", [[2, 3, 4]]) { try $0[0].diagonal(offset: 1) },
        DerivativeCase(.stridedView, "windows that overlap", [[3, 7]]) { try $0[0].windows(axis: 1, size: 3, step: 2) },
        DerivativeCase(.stridedView, "windows of windows", [[6]]) {
            try $0[0].windows(axis: 0, size: 3).windows(axis: 1, size: 2)
        },
        DerivativeCase(.accumulateView, "matrices with a diagonal", [[2, 3]]) { try $0[0].diagonalMatrix(offset: -1) },
        DerivativeCase(.accumulateView, "the adjoint of windows", [[4, 3]]) {
            let x = try Tensor<Float>($0[0])
            let y = Tensor<Float>(repeating: 1, shape: [6])
            return valueAndGradient(at: y) { ($0.windows(axis: 0, size: 3) * x).sum() }.gradient.core
        },
        DerivativeCase(.replaceSlice, "a slice backwards", [[3, 5], [2]]) {
            var x = $0[0]
            try x.assign($0[1], at: [.all, .stride(by: -3)])
            return try x * x
        },
        DerivativeCase(.replaceSlice, "the whole by itself", [[4]]) {
            var x = $0[0]
            try x.assign($0[0].flipped(), at: [.all])
            return try x * $0[0]
        },
        DerivativeCase(.replaceSlice, "a padded constant", [[2, 2]]) {
            try $0[0].padded([(1, 0), (0, 2)], mode: .constant(.scalar(Float(3))))
        },
        DerivativeCase(.embed, "padded zeros", [[2, 2]]) { try $0[0].padded([(1, 0), (0, 2)]) },
    ]

    private static let reductions: [DerivativeCase] = [
        DerivativeCase(.sum, "all axes", [[3, 4]]) { try $0[0].sum() },
        DerivativeCase(.sum, "one axis of three", [[2, 3, 4]]) { try $0[0].sum(axes: [1]) },
        DerivativeCase(.sum, "axes that stay", [[2, 3, 4]]) { try $0[0].sum(axes: [0, -1], keepsDimensions: true) },
        DerivativeCase(.mean, "all axes", [[3, 4]]) { try $0[0].mean() },
        DerivativeCase(.mean, "one axis", [[3, 4]]) { try $0[0].mean(axes: [0]) },
        DerivativeCase(.minimum, "an axis", [[3, 4]]) { try spread($0[0]).min(axes: [1]) },
        DerivativeCase(.variance, "an axis, unbiased", [[3, 4]]) { try $0[0].variance(axes: [1], correction: 1) },
        DerivativeCase(.variance, "all axes that stay", [[2, 3]]) { try $0[0].variance(keepsDimensions: true) },
        DerivativeCase(.standardDeviation, "the first axis", [[4, 3]]) {
            // Far from values that are all the same, where it has a corner.
            try (spread($0[0]) * .scalar(Float(0.2))).standardDeviation(axes: [0])
        },
        DerivativeCase(.logSumExp, "an axis", [[3, 4]]) { try $0[0].logSumExp(axes: [1]) },
        DerivativeCase(.logSumExp, "with an element of -∞", [[3]]) {
            try AnyTensor.concatenate([$0[0], .full([1], -Float.infinity)]).logSumExp()
        },
        DerivativeCase(.euclideanNorm, "an axis", [[3, 4]]) {
            try ($0[0] + .scalar(Float(3))).norm(axes: [0])
        },
        DerivativeCase(.generalNorm, "order 3 over an axis", [[3, 4]], in: 0.5...2) {
            try ($0[0] * alternatingSigns([3, 4])).norm(order: 3, axes: [1])
        },
        DerivativeCase(.generalNorm, "order 1.5 over all axes that stay", [[2, 3]], in: 0.5...2) {
            try $0[0].negated().norm(order: 1.5, keepsDimensions: true)
        },
        DerivativeCase(.generalNorm, "order 1", [[5]], in: 0.5...2) {
            try (($0[0] * alternatingSigns([5])).norm(order: 1)).squared()
        },
        DerivativeCase(.generalNorm, "the largest and the smallest magnitude", [[2, 3]]) {
            let apart = try spread($0[0]) + .scalar(Float(3))
            return try apart.norm(order: .infinity, axes: [1]) * apart.norm(order: -.infinity, axes: [1])
        },
        DerivativeCase(.product, "all axes", [[2, 3]]) { try $0[0].product() },
        DerivativeCase(.product, "two axes of three, with a 0", [[2, 3, 5]]) {
            try ($0[0] * AnyTensor([1, 1, 0, 1, 1] as [Float], shape: [5])).product(axes: [0, 2])
        },
        DerivativeCase(.product, "one axis of one element", [[3, 1]]) { try $0[0].product(axes: [1]).squared() },
        DerivativeCase(.cumulativeProduct, "the first axis", [[5, 2]]) { try $0[0].cumulativeProduct(axis: 0) },
        DerivativeCase(.cumulativeProduct, "the last axis, with zeros", [[2, 4]]) {
            try ($0[0] * AnyTensor([1, 0, 1, 0] as [Float], shape: [4])).cumulativeProduct()
        },
        DerivativeCase(.cumulativeMaximum, "the first axis", [[4, 3]]) {
            try spread($0[0]).cumulativeMaximum(axis: 0).squared() * .scalar(Float(0.05))
        },
        DerivativeCase(.cumulativeMinimum, "the last axis", [[2, 5]]) { try spread($0[0]).cumulativeMinimum() },
        DerivativeCase(.cumulativeLogSumExp, "the first axis", [[5, 2]]) { try $0[0].cumulativeLogSumExp(axis: 0) },
        DerivativeCase(.cumulativeLogSumExp, "behind elements of -∞", [[3]]) {
            // The first sum is -∞, and left out.
            try AnyTensor.concatenate([.full([1], -Float.infinity), $0[0]]).cumulativeLogSumExp().sliced(axis: 0, 1..<4)
        },
        DerivativeCase(.cumulativeSum, "the first axis", [[4, 3]]) { try $0[0].cumulativeSum(axis: 0) },
        DerivativeCase(.cumulativeSum, "the last axis", [[2, 5]]) { try $0[0].cumulativeSum() },
        DerivativeCase(.maximum, "an axis", [[3, 4]]) { try (spread($0[0])).max(axes: [1]) },
        DerivativeCase(.maximum, "all axes", [[7]]) { try (spread($0[0])).max() },
        DerivativeCase(.maximum, "a transposed view", [[3, 4]]) {
            try spread($0[0]).transposed().max(axes: [0], keepsDimensions: true)
        },
    ]

    private static let products: [DerivativeCase] = [
        DerivativeCase(.matrixProduct, "matrices", [[3, 4], [4, 2]]) { try $0[0].matmul($0[1]) },
        DerivativeCase(.matrixProduct, "transposed views", [[4, 3], [2, 4]]) {
            try $0[0].transposed().matmul($0[1].transposed())
        },
        DerivativeCase(.matrixProduct, "a matrix with itself", [[3, 3]]) { try $0[0].matmul($0[0]) },
        DerivativeCase(.matrixProduct, "batches that broadcast", [[2, 1, 3, 2], [4, 2, 3]]) { try $0[0].matmul($0[1]) },
        DerivativeCase(.matrixProduct, "one matrix for a batch", [[5, 2, 3], [3, 2]]) { try $0[0].matmul($0[1]) },
        DerivativeCase(.matrixProduct, "nothing to sum", [[2, 0], [0, 3]]) { try $0[0].matmul($0[1]) },
        DerivativeCase(.matrixProduct, "a vector and a batch", [[3], [2, 3, 4]]) { try $0[0].matmul($0[1]) },
        DerivativeCase(.matrixProduct, "two vectors", [[5], [5]]) { try $0[0].dot($0[1]) },
        DerivativeCase(.matrixProduct, "an einsum with a diagonal", [[3, 3, 2], [2, 4]]) {
            try AnyTensor.einsum("iij,jk->ki", $0[0], $0[1])
        },
        DerivativeCase(.matrixProduct, "an einsum of three", [[2, 3], [3, 4], [4, 2]]) {
            try AnyTensor.einsum("ij,jk,kl->li", $0[0], $0[1], $0[2])
        },
        DerivativeCase(.matrixProductSum, "a row as bias", [[4], [2, 3], [3, 4]]) {
            try $0[0].addingProduct(of: $0[1], $0[2])
        },
        DerivativeCase(.matrixProductSum, "a batch", [[2, 2, 4], [2, 3], [2, 3, 4]]) {
            try $0[0].addingProduct(of: $0[1], $0[2])
        },
    ]

    /// Functions of well-conditioned matrices: the operands are small beside what is added to their diagonals.
    private static let linearAlgebra: [DerivativeCase] = [
        DerivativeCase(.inverse, "a batch", [[2, 3, 3]], in: -1...1) { try nearIdentity($0[0]).inverse() },
        DerivativeCase(.determinant, "a batch", [[2, 3, 3]], in: -1...1) { try nearIdentity($0[0]).determinant() },
        DerivativeCase(.signAndLogDeterminant, "the logarithm", [[2, 3, 3]], in: -1...1) {
            try nearIdentity($0[0]).signAndLogDeterminant().logarithm
        },
        DerivativeCase(.solve, "matrices", [[3, 3], [3, 2]], in: -1...1) { try nearIdentity($0[0]).solve($0[1]) },
        DerivativeCase(.solve, "a vector for a batch", [[2, 3, 3], [3]], in: -1...1) {
            try nearIdentity($0[0]).solve($0[1])
        },
        DerivativeCase(.solve, "a batch for a matrix", [[3, 3], [2, 3, 2]], in: -1...1) {
            try nearIdentity($0[0]).solve($0[1])
        },
        DerivativeCase(.triangularSolve, "lower", [[3, 3], [3, 2]], in: -1...1) {
            try nearIdentity($0[0]).triangularSolve($0[1], lower: true)
        },
        DerivativeCase(.triangularSolve, "upper with ones", [[2, 3, 3], [3, 1]], in: -1...1) {
            try $0[0].triangularSolve($0[1], lower: false, hasUnitDiagonal: true)
        },
        DerivativeCase(.cholesky, "a symmetric function", [[2, 3, 3]], in: -1...1) {
            try nearIdentity($0[0].matmul($0[0].transposed())).cholesky()
        },
        DerivativeCase(.lu, "square matrices in another order", [[2, 3, 3]], in: -0.5...0.5) {
            let order = [0, 0, 3, 3, 0, 0, 0, 3, 0] as [Float]
            let (_, lower, upper) = try ($0[0] + AnyTensor(order, shape: [3, 3])).lu()
            return try lower.matmul(upper * upper)
        },
        DerivativeCase(.lu, "a high and a wide matrix", [[4, 2], [2, 4]], in: -0.5...0.5) {
            let high = try ($0[0] + .eye(4, 2, diagonal: -1) * .scalar(Float(3))).lu()
            let wide = try ($0[1] + .eye(2, 4) * .scalar(Float(3))).lu()
            return try (high.lower * high.lower).matmul(high.upper)
                .matmul((wide.lower * wide.lower).matmul(wide.upper * wide.upper))
        },
        DerivativeCase(.qr, "high matrices", [[2, 4, 3]], in: -0.5...0.5) {
            let (q, r) = try ($0[0] + .eye(4, 3) * .scalar(Float(2))).qr()
            return try q.matmul(r * r)
        },
        DerivativeCase(.qr, "a wide matrix", [[2, 4]], in: -0.5...0.5) {
            let (q, r) = try ($0[0] + .eye(2, 4) * .scalar(Float(2))).qr(complete: true)
            return try q.matmul(r * r)
        },
        DerivativeCase(.singularValueDecomposition, "high matrices", [[2, 4, 3]], in: -0.3...0.3) {
            let (u, s, vTransposed) = try farFromSquare($0[0]).svd()
            return try (u.squared() * s.expandingDimensions(at: -2)).matmul(vTransposed.squared())
        },
        DerivativeCase(.singularValueDecomposition, "a wide matrix", [[4, 3]], in: -0.3...0.3) {
            // The sign of a pair of vectors is free, that of their product is not.
            let (u, s, vTransposed) = try farFromSquare($0[0]).transposed().svd()
            return try (u * s.exp().expandingDimensions(at: -2)).matmul(vTransposed)
        },
        DerivativeCase(.singularValues, "a batch", [[2, 4, 3]], in: -0.3...0.3) {
            try farFromSquare($0[0]).singularValues()
        },
        DerivativeCase(.symmetricEigen, "values and the squares of vectors", [[2, 3, 3]], in: -1...1) {
            let (values, vectors) = try apart($0[0]).symmetricEigen()
            return try vectors.squared() * values.expandingDimensions(at: -2)
        },
        DerivativeCase(.symmetricEigenvalues, "a batch", [[2, 3, 3]], in: -1...1) {
            try apart($0[0]).symmetricEigenvalues()
        },
        DerivativeCase(.pseudoInverse, "high and wide matrices", [[2, 4, 3], [2, 3]], in: -0.3...0.3) {
            let high = try ($0[0] + .eye(4, 3)).pseudoInverse()
            return try ($0[1] + .eye(2, 3)).pseudoInverse().transposed().matmul(high)
        },
        DerivativeCase(.pseudoInverse, "a matrix of rank 2", [[3, 2], [2, 3]], in: -0.3...0.3) {
            try ($0[0] + .eye(3, 2)).matmul($0[1] + .eye(2, 3)).pseudoInverse(tolerance: 1e-3)
        },
        DerivativeCase(.leastSquares, "more equations than unknowns", [[4, 2], [4, 3]], in: -0.3...0.3) {
            try ($0[0] + .eye(4, 2)).leastSquares($0[1])
        },
        DerivativeCase(.leastSquares, "one matrix for a batch, fewer equations", [[2, 3], [2, 2, 1]], in: -0.3...0.3) {
            try ($0[0] + .eye(2, 3)).leastSquares($0[1])
        },
        DerivativeCase(.matrixNorm, "Frobenius", [[2, 3, 4]], in: 0.5...1) { try $0[0].matrixNorm() },
    ]

    /// High matrices whose singular values are far from each other and from 0.
    static func farFromSquare(_ operand: AnyTensor) throws -> AnyTensor {
        try operand + AnyTensor([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0] as [Float], shape: [4, 3])
    }

    /// Symmetric matrices whose eigenvalues are far from each other.
    private static func apart(_ operand: AnyTensor) throws -> AnyTensor {
        let diagonal = [-6, 0, 0, 0, 0, 0, 0, 0, 6] as [Float]
        return try operand + operand.transposed() + AnyTensor(diagonal, shape: [3, 3])
    }

    private static func nearIdentity(_ operand: AnyTensor) throws -> AnyTensor {
        let identity = [3, 0, 0, 0, 3, 0, 0, 0, 3] as [Float]
        return try operand + AnyTensor(identity, shape: [3, 3])
    }

    private static let indexing: [DerivativeCase] = [
        DerivativeCase(.gatherRows, "rows named twice", [[4, 3]]) {
            try $0[0].gatherRows(AnyTensor([1, 3, 1, 0] as [Int32], shape: [2, 2]))
        },
        DerivativeCase(.gatherRows, "a transposed table", [[3, 4]]) {
            try $0[0].transposed().gatherRows(AnyTensor([2, 2] as [Int32], shape: [2]))
        },
        DerivativeCase(.scatterAddRows, "rows that add up", [[3, 2]]) {
            var rows = $0[0]
            var indices = try AnyTensor([2, 0, 2] as [Int32], shape: [3])
            return try Primitive.scatterAddRows.apply(&rows, &indices, .rowCount(4))
        },
        DerivativeCase(.gather, "slices named twice", [[2, 4]]) {
            try $0[0].taking(AnyTensor([3, 0, -1, 3] as [Int32], shape: [4]), axis: 1)
        },
        DerivativeCase(.gather, "an element for each index, of a transposed view", [[3, 2]]) {
            try $0[0].transposed().taking(along: 1, AnyTensor([2, 2, 0, 1, -3, 1] as [Int64], shape: [2, 3]))
        },
        DerivativeCase(.gather, "reflected padding", [[3, 2]]) { try $0[0].padded([(2, 1), (0, 0)], mode: .reflect) },
        DerivativeCase(.scatterAdd, "a target and a source", [[2, 3], [2, 4]]) {
            try $0[0].scattering(
                $0[1], along: 1, AnyTensor([0, 2, 0, -1, 1, 1, 1, 2] as [Int32], shape: [2, 4]), mode: .add)
        },
        DerivativeCase(.scatter, "of which the last stays", [[4], [5]]) {
            try $0[0].scattering($0[1], along: 0, AnyTensor([1, 3, 1, 1, 0] as [Int32], shape: [5]))
        },
        DerivativeCase(.scatterMaximum, "places named once and twice", [[2, 4], [2, 3]]) {
            let places = try AnyTensor([0, 2, 0, 1, 1, 3] as [Int32], shape: [2, 3])
            return try spread($0[0]).scattering(spread($0[1]), along: 1, places, mode: .maximum).squared()
                * .scalar(Float(0.05))
        },
        DerivativeCase(.scatterMinimum, "equal elements", [[3]]) {
            try $0[0].scattering($0[0], along: 0, AnyTensor([0, 1, 2] as [Int32], shape: [3]), mode: .minimum)
        },
        DerivativeCase(.scatter, "slices", [[3, 4], [3, 2]]) {
            try $0[0].scattering(slices: $0[1], at: AnyTensor([2, 0] as [Int32], shape: [2]), axis: 1)
        },
        DerivativeCase(.concatenate, "three along an axis", [[2, 1], [2, 3], [2, 2]]) {
            try AnyTensor.concatenate($0, axis: 1)
        },
        DerivativeCase(.concatenate, "one operand twice", [[2, 3]]) { try AnyTensor.concatenate([$0[0], $0[0]]) },
        DerivativeCase(.crossEntropy, "a batch", [[4, 5]]) {
            try $0[0].crossEntropy(labels: AnyTensor([0, 4, 2, 2] as [Int32], shape: [4]))
        },
        DerivativeCase(.crossEntropy, "a mean over a transposed view", [[5, 4]]) {
            try $0[0].transposed().crossEntropy(labels: AnyTensor([0, 4, 2, 2] as [Int32], shape: [4])).mean()
        },
        DerivativeCase(.crossEntropyGradient, "logits and upstream", [[3, 4], [3]]) {
            var logits = $0[0]
            var labels = try AnyTensor([0, 3, 1] as [Int32], shape: [3])
            var upstream = $0[1]
            return try Primitive.crossEntropyGradient.apply(&logits, &labels, &upstream)
        },
    ]

    private static let sorting: [DerivativeCase] = [
        DerivativeCase(.sort, "the first axis", [[4, 3]]) { try spread($0[0]).sorted(axis: 0) },
        DerivativeCase(.sort, "the last axis, descending", [[2, 5]]) { try spread($0[0]).sorted(descending: true) },
        DerivativeCase(.kthSmallest, "the second of the first axis", [[4, 3]]) {
            try spread($0[0]).kthSmallest(1, axis: 0).squared() * .scalar(Float(0.05))
        },
        DerivativeCase(.quantile, "between two elements", [[3, 6]]) { try spread($0[0]).quantile(0.3, axis: 1) },
        DerivativeCase(.quantile, "an element, and the mean of two", [[5], [4]]) {
            try spread($0[0]).median() * spread($0[1]).median() * .scalar(Float(0.05))
        },
        DerivativeCase(.takePlaces, "the two largest of each row", [[3, 4]]) { try spread($0[0]).topK(2).values },
        DerivativeCase(.spreadPlaces, "two places of four", [[2, 2]]) {
            var values = $0[0]
            var places = try AnyTensor([3, 0, 1, 2] as [Int32], shape: [2, 2])
            return try Primitive.spreadPlaces.apply(&values, &places, .rowCount(4))
        },
    ]

    private static func alternatingSigns(_ shape: Shape) throws -> AnyTensor {
        try AnyTensor((0..<shape.elementCount).map { $0 % 2 == 0 ? 1 : -1 } as [Float], shape: shape)
    }

    /// The values pushed so far apart that no small step changes which one is the largest.
    private static func spread(_ operand: AnyTensor) throws -> AnyTensor {
        let order = RandomKey(seed: 1).permutation(operand.elementCount).map { Float($0) * 5 }
        return try operand + AnyTensor(order, shape: operand.shape)
    }
}
