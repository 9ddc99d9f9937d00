import Tensor

/// A public operation of the core, given arguments without sense.
struct Operation: Sendable {
    let name: String
    let apply: @Sendable (Nonsense) throws -> [AnyTensor]

    init(_ name: String, _ apply: @escaping @Sendable (Nonsense) throws -> AnyTensor) {
        self.name = name
        self.apply = { [try apply($0)] }
    }

    private init(many name: String, _ apply: @escaping @Sendable (Nonsense) throws -> [AnyTensor]) {
        self.name = name
        self.apply = apply
    }

    static let all =
        unary + binary + creation + views + indexing + reductions + products + matrices + layers + losses + random

    private static let unary: [Operation] = {
        let functions: [(String, @Sendable (AnyTensor) throws -> AnyTensor)] = [
            ("negated", { try $0.negated() }), ("abs", { try $0.abs() }), ("sign", { try $0.sign() }),
            ("squared", { try $0.squared() }), ("reciprocal", { try $0.reciprocal() }),
            ("reciprocalSquareRoot", { try $0.reciprocalSquareRoot() }), ("squareRoot", { try $0.squareRoot() }),
            ("exp", { try $0.exp() }), ("exp2", { try $0.exp2() }), ("expm1", { try $0.expm1() }),
            ("log", { try $0.log() }), ("log2", { try $0.log2() }), ("log10", { try $0.log10() }),
            ("log1p", { try $0.log1p() }), ("ceil", { try $0.ceil() }), ("floor", { try $0.floor() }),
            ("rounded", { try $0.rounded() }), ("truncated", { try $0.truncated() }), ("sin", { try $0.sin() }),
            ("cos", { try $0.cos() }), ("tan", { try $0.tan() }), ("asin", { try $0.asin() }),
            ("acos", { try $0.acos() }), ("atan", { try $0.atan() }), ("sinh", { try $0.sinh() }),
            ("cosh", { try $0.cosh() }), ("tanh", { try $0.tanh() }), ("asinh", { try $0.asinh() }),
            ("acosh", { try $0.acosh() }), ("atanh", { try $0.atanh() }), ("erf", { try $0.erf() }),
            ("erfc", { try $0.erfc() }), ("erfInverse", { try $0.erfInverse() }), ("sigmoid", { try $0.sigmoid() }),
            ("logSigmoid", { try $0.logSigmoid() }), ("gelu", { try $0.gelu() }), ("geluTanh", { try $0.geluTanh() }),
            ("silu", { try $0.silu() }), ("mish", { try $0.mish() }), ("softplus", { try $0.softplus() }),
            ("hardSigmoid", { try $0.hardSigmoid() }), ("hardSwish", { try $0.hardSwish() }),
            ("relu", { try $0.relu() }), ("isNaN", { try $0.isNaN() }), ("isInfinite", { try $0.isInfinite() }),
            ("isFinite", { try $0.isFinite() }), ("logicalNot", { try $0.logicalNot() }), ("~", { try ~$0 }),
            ("nonZero", { try $0.nonZero() }), ("unique", { try $0.unique() }),
        ]
        return functions.map { name, function in Operation(name) { try function($0.tensor) } } + [
            Operation("cast") { try $0.tensor.cast(to: $0.dtype) },
            Operation("bitCast") { try $0.tensor.bitCast(to: $0.dtype) },
            Operation("leakyRelu") { try $0.tensor.leakyRelu(slope: $0.double) },
            Operation("elu") { try $0.tensor.elu(scale: $0.double) },
            Operation("replacingNonFinite") {
                try $0.tensor.replacingNonFinite(
                    nan: $0.double, positiveInfinity: $0.double, negativeInfinity: $0.double)
            },
        ]
    }()

    private static let binary: [Operation] = {
        let functions: [(String, @Sendable (AnyTensor, AnyTensor) throws -> AnyTensor)] = [
            ("+", { try $0 + $1 }), ("-", { try $0 - $1 }), ("*", { try $0 * $1 }), ("/", { try $0 / $1 }),
            ("&", { try $0 & $1 }), ("|", { try $0 | $1 }), ("^", { try $0 ^ $1 }), ("<<", { try $0 << $1 }),
            (">>", { try $0 >> $1 }), (".==", { try $0 .== $1 }), (".!=", { try $0 .!= $1 }),
            (".<", { try $0 .< $1 }), (".<=", { try $0 .<= $1 }), (".>", { try $0 .> $1 }),
            (".>=", { try $0 .>= $1 }), ("floorDivided", { try $0.floorDivided(by: $1) }),
            ("floorRemainder", { try $0.floorRemainder(dividingBy: $1) }),
            ("truncatingRemainder", { try $0.truncatingRemainder(dividingBy: $1) }),
            ("raised", { try $0.raised(to: $1) }), ("maximum", { try AnyTensor.maximum($0, $1) }),
            ("minimum", { try AnyTensor.minimum($0, $1) }), ("clipped", { try $0.clipped(from: $1, to: $0) }),
            ("atan2", { try AnyTensor.atan2(y: $0, x: $1) }), ("hypot", { try AnyTensor.hypot($0, $1) }),
            ("copyingSign", { try $0.copyingSign(of: $1) }), ("logAddExp", { try AnyTensor.logAddExp($0, $1) }),
            ("logicalAnd", { try $0.logicalAnd($1) }), ("logicalOr", { try $0.logicalOr($1) }),
            ("logicalXor", { try $0.logicalXor($1) }), ("dot", { try $0.dot($1) }),
            ("flatDot", { try $0.flatDot($1) }), ("outer", { try $0.outer($1) }), ("inner", { try $0.inner($1) }),
            ("kron", { try $0.kron($1) }), ("matmul", { try $0.matmul($1) }), ("solve", { try $0.solve($1) }),
            ("searchSorted", { try $0.searchSorted($1) }), ("gatherRows", { try $0.gatherRows($1) }),
            ("taking where", { try $0.taking(where: $1) }),
            (
                "accumulate",
                {
                    var sum = $0
                    defer { _ = try? sum.cast(to: .float64) }
                    try sum.accumulate($1)
                    return sum
                }
            ),
        ]
        return functions.map { name, function in Operation(name) { try function($0.tensor, $0.tensor) } } + [
            Operation("+ number") { try $0.tensor + $0.double },
            Operation("number /") { try $0.double / $0.tensor },
            Operation(".< number") { try $0.tensor .< $0.double },
            Operation("isClose") { try $0.tensor.isClose(to: $0.tensor, relative: $0.double, absolute: $0.double) },
            Operation("interpolated") { try $0.tensor.interpolated(to: $0.tensor, weight: $0.tensor) },
            Operation("select") { try AnyTensor.select($0.tensor, $0.tensor, $0.tensor) },
            Operation("filling") { try $0.tensor.filling(where: $0.tensor, with: $0.tensor) },
            Operation("assigning") { try $0.tensor.assigning($0.tensor, where: $0.tensor) },
        ]
    }()

    private static let creation: [Operation] = [
        Operation("zeros") { try .zeros($0.shape, dtype: $0.dtype) },
        Operation("ones") { try .ones($0.shape, dtype: $0.dtype) },
        Operation("full") { try .full($0.shape, number: $0.double, dtype: $0.dtype) },
        Operation("scalar") { try .scalar($0.double, dtype: $0.dtype) },
        Operation("elements") { try AnyTensor([1, 2, 3] as [Float], shape: $0.shape) },
        Operation("eye") { try .eye($0.int, $0.int, diagonal: $0.int, dtype: $0.dtype) },
        Operation("triangle") { try .triangle($0.int, $0.int, diagonal: $0.int) },
        Operation("stride of integers") { try .stride(from: $0.int, to: $0.int, by: $0.int, dtype: $0.dtype) },
        Operation("stride of floats") {
            try .stride(from: $0.double, to: $0.double, by: $0.double, dtype: $0.dtype)
        },
        Operation("linspace through") {
            try .linspace(from: $0.double, through: $0.double, count: $0.int, dtype: $0.dtype)
        },
        Operation("linspace to") { try .linspace(from: $0.double, to: $0.double, count: $0.int, dtype: $0.dtype) },
        Operation("logspace") {
            try .logspace(from: $0.double, through: $0.double, count: $0.int, base: $0.double, dtype: $0.dtype)
        },
        Operation(many: "meshgrid") { try AnyTensor.meshgrid($0.tensors, isMatrixOrder: $0.bool) },
        Operation("oneHot") { try $0.integers.oneHot(depth: $0.int, dtype: $0.dtype) },
        Operation("lowerTriangle") { try $0.tensor.lowerTriangle(diagonal: $0.int) },
        Operation("upperTriangle") { try $0.tensor.upperTriangle(diagonal: $0.int) },
    ]

    private static let views: [Operation] = [
        Operation("reshaped") { try $0.tensor.reshaped(to: $0.shape) },
        Operation("broadcast") { try $0.tensor.broadcast(to: $0.shape) },
        Operation("slice of elements") { try $0.tensor.slice(elements: $0.range) },
        Operation("sliced") { try $0.tensor.sliced(axis: $0.int, $0.range, step: $0.int) },
        Operation("element") { try $0.tensor.element($0.int, axis: $0.int) },
        Operation("transposed axes") { try $0.tensor.transposed($0.ints) },
        Operation("transposed") { try $0.tensor.transposed() },
        Operation("squeezed") { try $0.tensor.squeezed(axes: $0.axes) },
        Operation("expandingDimensions") { try $0.tensor.expandingDimensions(at: $0.int) },
        Operation("movingAxis") { try $0.tensor.movingAxis($0.int, to: $0.int) },
        Operation("swappingAxes") { try $0.tensor.swappingAxes($0.int, $0.int) },
        Operation("flipped") { try $0.tensor.flipped(axes: $0.axes) },
        Operation(many: "split sizes") { try $0.tensor.split(sizes: $0.ints, axis: $0.int) },
        Operation(many: "split into") { try $0.tensor.split(into: $0.int, axis: $0.int) },
        Operation(many: "chunks") { try $0.tensor.chunks(of: $0.int, axis: $0.int) },
        Operation("windows") { try $0.tensor.windows(axis: $0.int, size: $0.int, step: $0.int) },
        Operation("diagonal") { try $0.tensor.diagonal(offset: $0.int, axes: ($0.int, $0.int)) },
        Operation("diagonalMatrix") { try $0.tensor.diagonalMatrix(offset: $0.int) },
        Operation("padded") { nonsense in
            let widths = nonsense.ints.map { (before: $0, after: nonsense.int) }
            let modes: [PadMode<AnyTensor?>] = [
                .reflect, .edge, .circular, .constant(nil), .constant(try nonsense.optional),
            ]
            return try nonsense.tensor.padded(widths, mode: modes[abs(nonsense.int % 5)])
        },
        Operation("stack") { try AnyTensor.stack($0.tensors, axis: $0.int) },
        Operation("concatenate") { try AnyTensor.concatenate($0.tensors, axis: $0.int) },
        Operation("tiled") { try $0.tensor.tiled($0.ints) },
        Operation("repeating") { try $0.tensor.repeating($0.int, axis: $0.int) },
        Operation("repeating counts") { try $0.tensor.repeating($0.ints, axis: $0.int) },
        Operation("rolled") { try $0.tensor.rolled($0.int, axis: $0.int) },
    ]

    private static let indexing: [Operation] = [
        Operation("indexed") { try $0.tensor.indexed(by: $0.indices) },
        Operation("assign") {
            var tensor = try $0.tensor
            defer { _ = try? tensor.cast(to: .float64) }
            try tensor.assign($0.tensor, at: $0.indices)
            return tensor
        },
        Operation("taking along") { try $0.tensor.taking(along: $0.int, $0.integers) },
        Operation("taking") { try $0.tensor.taking($0.integers, axis: $0.int) },
        Operation("taking tuples") { try $0.tensor.taking(tuples: $0.tensors) },
        Operation("scattering") { nonsense in
            try nonsense.tensor.scattering(
                nonsense.tensor, along: nonsense.int, nonsense.integers, mode: nonsense.scatterMode)
        },
        Operation("scattering slices") { nonsense in
            try nonsense.tensor.scattering(
                slices: nonsense.tensor, at: nonsense.integers, axis: nonsense.int, mode: nonsense.scatterMode)
        },
        Operation("scattering tuples") { nonsense in
            try nonsense.tensor.scattering(nonsense.tensor, tuples: nonsense.tensors, mode: nonsense.scatterMode)
        },
        Operation(many: "RowSparse") {
            let rows = try RowSparse(indices: $0.integers, values: $0.tensor, rowCount: $0.int)
            var table = try $0.tensor
            defer { _ = try? table.cast(to: .float64) }
            try rows.scaled(by: $0.double).add(to: &table)
            return [table, try rows.coalesced().toDense(), try rows.norm()]
        },
    ]

    private static let reductions: [Operation] = [
        Operation("sum") { try $0.tensor.sum(axes: $0.axes, keepsDimensions: $0.bool) },
        Operation("sum as") { try $0.tensor.sum(axes: $0.axes, as: $0.dtype) },
        Operation("product") { try $0.tensor.product(axes: $0.axes, keepsDimensions: $0.bool) },
        Operation("product as") { try $0.tensor.product(axes: $0.axes, as: $0.dtype) },
        Operation("max") { try $0.tensor.max(axes: $0.axes) },
        Operation("min") { try $0.tensor.min(axes: $0.axes) },
        Operation("mean") { try $0.tensor.mean(axes: $0.axes) },
        Operation("variance") { try $0.tensor.variance(axes: $0.axes, correction: $0.double) },
        Operation("standardDeviation") { try $0.tensor.standardDeviation(axes: $0.axes, correction: $0.double) },
        Operation("logSumExp") { try $0.tensor.logSumExp(axes: $0.axes) },
        Operation("norm") { try $0.tensor.norm(order: $0.double, axes: $0.axes) },
        Operation("any") { try $0.tensor.any(axes: $0.axes) },
        Operation("all") { try $0.tensor.all(axes: $0.axes) },
        Operation("countNonzero") { try $0.tensor.countNonzero(axes: $0.axes) },
        Operation("argmax") { try $0.tensor.argmax(axis: $0.int) },
        Operation("argmin") { try $0.tensor.argmin(axis: $0.int) },
        Operation("softmax") { try $0.tensor.softmax(axis: $0.int) },
        Operation("logSoftmax") { try $0.tensor.logSoftmax(axis: $0.int) },
        Operation("cumulativeSum") { try $0.tensor.cumulativeSum(axis: $0.int) },
        Operation("cumulativeProduct") { try $0.tensor.cumulativeProduct(axis: $0.int) },
        Operation("cumulativeMaximum") { try $0.tensor.cumulativeMaximum(axis: $0.int) },
        Operation("cumulativeMinimum") { try $0.tensor.cumulativeMinimum(axis: $0.int) },
        Operation("cumulativeMaximumIndices") { try $0.tensor.cumulativeMaximumIndices(axis: $0.int) },
        Operation("cumulativeMinimumIndices") { try $0.tensor.cumulativeMinimumIndices(axis: $0.int) },
        Operation("cumulativeLogSumExp") { try $0.tensor.cumulativeLogSumExp(axis: $0.int) },
        Operation("sorted") { try $0.tensor.sorted(axis: $0.int, descending: $0.bool) },
        Operation("argsort") { try $0.tensor.argsort(axis: $0.int, descending: $0.bool) },
        Operation("topK") { try $0.tensor.topK($0.int, axis: $0.int, largest: $0.bool).values },
        Operation("kthSmallest") { try $0.tensor.kthSmallest($0.int, axis: $0.int) },
        Operation("quantile") { try $0.tensor.quantile($0.double, axis: $0.bool ? nil : $0.int) },
        Operation("median") { try $0.tensor.median(axis: $0.bool ? nil : $0.int) },
        Operation("binCounts") { try $0.integers.binCounts(minimumCount: $0.int) },
        Operation("binCounts of weights") { try $0.integers.binCounts(weights: $0.tensor, minimumCount: $0.int) },
        Operation("histogram") {
            let (first, second) = ($0.double, $0.double)
            guard first <= second else { return try $0.tensor }
            return try $0.tensor.histogram(bins: $0.int, range: first...second)
        },
    ]

    private static let products: [Operation] = [
        Operation("addingProduct") { try $0.floats.addingProduct(of: $0.floats, $0.floats) },
        Operation("einsum") { try AnyTensor.einsum($0.expression, $0.tensors) },
        Operation("einsum of two") { try AnyTensor.einsum($0.expression, $0.floats, $0.floats) },
        Operation("tensorDot") { try $0.floats.tensorDot($0.floats, axes: $0.int) },
        Operation("tensorDot axes") { try $0.floats.tensorDot($0.floats, axes: $0.ints, $0.ints) },
        Operation("vectorDot") { try $0.floats.vectorDot($0.floats, axis: $0.int) },
        Operation("cross") { try $0.floats.cross($0.floats, axis: $0.int) },
        Operation("matrixTrace") { try $0.tensor.matrixTrace(offset: $0.int) },
        Operation("matrixPower") { try $0.tensor.matrixPower($0.int) },
    ]

    private static let matrices: [Operation] = [
        Operation("cholesky") { try $0.tensor.cholesky() },
        Operation("determinant") { try $0.tensor.determinant() },
        Operation("signAndLogDeterminant") { try $0.tensor.signAndLogDeterminant().logarithm },
        Operation("inverse") { try $0.tensor.inverse() },
        Operation(many: "lu") {
            let parts = try $0.tensor.lu()
            return [parts.permutation, parts.lower, parts.upper]
        },
        Operation(many: "qr") {
            let parts = try $0.tensor.qr(complete: $0.bool)
            return [parts.q, parts.r]
        },
        Operation(many: "svd") {
            let parts = try $0.tensor.svd(complete: $0.bool)
            return [parts.u, parts.s, parts.vTransposed]
        },
        Operation("singularValues") { try $0.tensor.singularValues() },
        Operation(many: "symmetricEigen") {
            let parts = try $0.tensor.symmetricEigen()
            return [parts.values, parts.vectors]
        },
        Operation("symmetricEigenvalues") { try $0.tensor.symmetricEigenvalues() },
        Operation("pseudoInverse") { try $0.tensor.pseudoInverse(tolerance: $0.double) },
        Operation("leastSquares") { try $0.floats.leastSquares($0.floats, tolerance: $0.double) },
        Operation("matrixRank") { try $0.tensor.matrixRank(tolerance: $0.double) },
        Operation("triangularSolve") {
            try $0.floats.triangularSolve($0.floats, lower: $0.bool, hasUnitDiagonal: $0.bool)
        },
        Operation("matrixNorm") { nonsense in
            try nonsense.tensor.matrixNorm(MatrixNorm.allCases[abs(nonsense.int % MatrixNorm.allCases.count)])
        },
        Operation("conditionNumber") { nonsense in
            try nonsense.tensor.conditionNumber(MatrixNorm.allCases[abs(nonsense.int % MatrixNorm.allCases.count)])
        },
    ]

    private static let layers: [Operation] = [
        Operation("convolution") {
            try $0.floats.convolution(
                $0.floats, bias: $0.optional, strides: $0.ints, padding: $0.padding, dilations: $0.ints,
                groups: $0.int, layout: $0.layout)
        },
        Operation("transposedConvolution") {
            try $0.floats.transposedConvolution(
                $0.floats, bias: $0.optional, strides: $0.ints, padding: $0.padding, outputPadding: $0.ints,
                dilations: $0.ints, groups: $0.int, layout: $0.layout)
        },
        Operation("maxPool") {
            try $0.floats.maxPool(
                $0.ints, strides: $0.ints, padding: $0.padding, dilations: $0.ints, roundsUp: $0.bool, layout: $0.layout
            )
        },
        Operation("maxPoolIndices") {
            try $0.floats.maxPoolIndices(
                $0.ints, strides: $0.ints, padding: $0.padding, dilations: $0.ints, roundsUp: $0.bool,
                layout: $0.layout)
        },
        Operation("averagePool") {
            try $0.tensor.averagePool(
                $0.ints, strides: $0.ints, padding: $0.padding, dilations: $0.ints, countsPadding: $0.bool,
                roundsUp: $0.bool, layout: $0.layout)
        },
        Operation("globalAveragePool") { try $0.tensor.globalAveragePool(layout: $0.layout) },
        Operation("globalMaxPool") { try $0.tensor.globalMaxPool(layout: $0.layout) },
        Operation("adaptiveAveragePool") { try $0.floats.adaptiveAveragePool(to: $0.ints, layout: $0.layout) },
        Operation("adaptiveMaxPoolIndices") { try $0.floats.adaptiveMaxPoolIndices(to: $0.ints, layout: $0.layout) },
        Operation("adaptiveMaxPool") { try $0.floats.adaptiveMaxPool(to: $0.ints, layout: $0.layout) },
        Operation("normPool") {
            try $0.tensor.normPool(
                order: $0.double, $0.ints, strides: $0.ints, padding: $0.padding, dilations: $0.ints,
                roundsUp: $0.bool, layout: $0.layout)
        },
        Operation("resized") {
            try $0.tensor.resized(
                to: $0.ints, by: $0.bool ? .linear : .nearest(.floor), scales: $0.bool ? [] : [$0.double],
                layout: $0.layout)
        },
        Operation("pixelShuffled") { try $0.tensor.pixelShuffled(by: $0.int, layout: $0.layout) },
        Operation("pixelUnshuffled") { try $0.tensor.pixelUnshuffled(by: $0.int, layout: $0.layout) },
        Operation("foldingWindows") { try $0.tensor.foldingWindows(axis: $0.int, step: $0.int, length: $0.int) },
        Operation("foldingImages") {
            try $0.tensor.foldingImages(
                to: $0.ints, kernel: $0.ints, strides: $0.ints, padding: $0.padding, dilations: $0.ints)
        },
        Operation("uniqueSlices") { try $0.tensor.uniqueSlices(axis: $0.int).values },
        Operation("embeddingBag") {
            try $0.floats.embeddingBag(
                $0.integers, starts: $0.ints, reduction: $0.bool ? .maximum : .mean, weights: $0.optional)
        },
        Operation("dropout") { try $0.tensor.dropout(probability: $0.double, key: RandomKey(seed: 1)) },
        Operation("rotaryEmbedding") { try $0.tensor.rotaryEmbedding(firstPosition: $0.int, base: $0.double) },
        Operation("linearBiases") { try .linearBiases(heads: $0.int, queries: $0.int, keys: $0.int, dtype: $0.dtype) },
        Operation("layerNorm") {
            try $0.floats.layerNorm(weight: $0.optional, bias: $0.optional, axes: $0.int, epsilon: $0.double)
        },
        Operation("rmsNorm") { try $0.tensor.rmsNorm(weight: $0.optional, axes: $0.int, epsilon: $0.double) },
        Operation("groupNorm") { try $0.floats.groupNorm(groups: $0.int, weight: $0.optional, epsilon: $0.double) },
        Operation("instanceNorm") { try $0.floats.instanceNorm(weight: $0.optional, bias: $0.optional) },
        Operation("batchNorm") {
            try $0.tensor.batchNorm(weight: $0.optional, epsilon: $0.double, channelAxis: $0.int).result
        },
        Operation("batchNorm of statistics") {
            try $0.tensor.batchNorm(mean: $0.tensor, variance: $0.tensor, channelAxis: $0.int)
        },
        Operation("attention") {
            try $0.floats.attention(
                keys: $0.floats, values: $0.floats, mask: $0.optional, isCausal: $0.bool, scale: $0.double)
        },
    ]

    private static let losses: [Operation] = [
        Operation("crossEntropy") { try $0.floats.crossEntropy(labels: $0.integers) },
        Operation("crossEntropy of classes") {
            try $0.floats.crossEntropy(
                labels: $0.integers, weights: $0.optional, smoothing: $0.double, ignoredLabel: $0.bool ? nil : -1,
                reduction: $0.reduction)
        },
        Operation("negativeLogLikelihood") {
            try $0.floats.negativeLogLikelihood(
                labels: $0.integers, weights: $0.optional, ignoredLabel: $0.bool ? nil : 7, reduction: $0.reduction)
        },
        Operation("meanSquaredError") { try $0.tensor.meanSquaredError($0.tensor, reduction: $0.reduction) },
        Operation("absoluteError") { try $0.tensor.absoluteError($0.tensor, reduction: $0.reduction) },
        Operation("huberLoss") { try $0.tensor.huberLoss($0.tensor, delta: $0.double) },
        Operation("smoothAbsoluteError") { try $0.tensor.smoothAbsoluteError($0.tensor, beta: $0.double) },
        Operation("binaryCrossEntropy") { try $0.tensor.binaryCrossEntropy($0.tensor) },
        Operation("binaryCrossEntropy of logits") {
            try $0.tensor.binaryCrossEntropy(logitsFor: $0.tensor, positiveWeight: $0.optional)
        },
        Operation("klDivergence") { try $0.tensor.klDivergence($0.tensor, targetIsLogarithm: $0.bool) },
        Operation("poissonLikelihoodLoss") {
            try $0.tensor.poissonLikelihoodLoss($0.tensor, isLogarithm: $0.bool, addsFactorial: $0.bool)
        },
        Operation("gaussianLikelihoodLoss") {
            try $0.tensor.gaussianLikelihoodLoss($0.tensor, variance: $0.tensor, epsilon: $0.double)
        },
        Operation("tripletMarginLoss") {
            try $0.tensor.tripletMarginLoss(positive: $0.tensor, negative: $0.tensor, margin: $0.double)
        },
        Operation("connectionistLoss") {
            try $0.floats.connectionistLoss(
                labels: $0.integers, inputLengths: $0.bool ? nil : $0.ints, labelLengths: $0.bool ? nil : $0.ints,
                blank: $0.int)
        },
        Operation("hingeLoss") { try $0.tensor.hingeLoss($0.tensor, margin: $0.double) },
        Operation("hingeEmbeddingLoss") { try $0.tensor.hingeEmbeddingLoss($0.tensor, margin: $0.double) },
        Operation("cosineEmbeddingLoss") {
            try $0.tensor.cosineEmbeddingLoss($0.tensor, target: $0.tensor, margin: $0.double)
        },
    ]

    private static let random: [Operation] = {
        let key = RandomKey(seed: 1)
        return [
            Operation("uniform") { nonsense in
                let (first, second) = (nonsense.double, nonsense.double)
                guard first <= second else { return try key.uniform(nonsense.shape, offset: .max) }
                return try key.uniform(nonsense.shape, in: first..<second, dtype: nonsense.dtype)
            },
            Operation("normal") {
                try key.normal(
                    $0.shape, mean: $0.double, standardDeviation: $0.double, dtype: $0.dtype, offset: .max - 3)
            },
            Operation("truncatedNormal") {
                let (first, second) = ($0.double, $0.double)
                guard first <= second else { return try $0.tensor }
                return try key.truncatedNormal($0.shape, in: first...second, dtype: $0.dtype)
            },
            Operation("exponential") { try key.exponential($0.shape, rate: $0.double, dtype: $0.dtype) },
            Operation("gumbel") { try key.gumbel($0.shape, scale: $0.double, dtype: $0.dtype) },
            Operation("gamma") {
                try key.gamma($0.shape, concentration: $0.double, rate: $0.double, dtype: $0.dtype)
            },
            Operation("integers") { try key.integers($0.shape, in: (5..<5) as Range<Int8>) },
            Operation("integers beyond") { try key.integers($0.shape, in: Int64.min...Int64.max, offset: .max) },
            Operation("bernoulli") { try key.bernoulli($0.shape, probability: $0.double) },
            Operation("bernoulli of a tensor") { try key.bernoulli(probabilities: $0.tensor) },
            Operation("categorical") { try key.categorical(logits: $0.tensor) },
            Operation("shuffled") { try key.shuffled($0.tensor, axis: $0.int) },
            Operation("Initializer") {
                try Initializer.heUniform(fanIn: $0.int).values(key: key, elements: $0.range, of: $0.shape)
            },
        ]
    }()
}
