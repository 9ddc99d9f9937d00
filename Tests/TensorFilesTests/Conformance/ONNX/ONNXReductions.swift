import Tensor

/// Reductions, and what works along one axis.
let onnxReductions: [String: GoldenOperation] = [
    "ReduceSum": { [try $0.input(0).sum(axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ReduceMean": { [try $0.input(0).mean(axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ReduceProd": { [try $0.input(0).product(axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ReduceMax": { golden in
        let (x, axes) = (try golden.input(0), try golden.axes())
        if x.dtype == .bool { return [try x.any(axes: axes, keepsDimensions: golden.keepsDimensions)] }
        if let nothing = try golden.extremeOfNothing(-.infinity) { return [nothing] }
        return [try x.max(axes: axes, keepsDimensions: golden.keepsDimensions)]
    },
    "ReduceMin": { golden in
        let (x, axes) = (try golden.input(0), try golden.axes())
        if x.dtype == .bool { return [try x.all(axes: axes, keepsDimensions: golden.keepsDimensions)] }
        if let nothing = try golden.extremeOfNothing(.infinity) { return [nothing] }
        return [try x.min(axes: axes, keepsDimensions: golden.keepsDimensions)]
    },
    "ReduceL1": { [try $0.input(0).norm(order: 1, axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ReduceL2": { [try $0.input(0).norm(axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ReduceSumSquare": { [try $0.input(0).squared().sum(axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ReduceLogSum": { [try $0.input(0).sum(axes: $0.axes(), keepsDimensions: $0.keepsDimensions).log()] },
    "ReduceLogSumExp": { [try $0.input(0).logSumExp(axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ArgMax": { golden in [try golden.extremePlaces { try $0.argmax(axis: $1) }] },
    "ArgMin": { golden in [try golden.extremePlaces { try $0.argmin(axis: $1) }] },
    "CumSum": { golden in
        let axis = Int(try golden.scalar(1) ?? 0)
        var x = try golden.input(0)
        if golden.integer("reverse") == 1 { x = try x.flipped(axes: [axis]) }
        var sums = try x.cumulativeSum(axis: axis)
        // Without its own element, a sum is the one before.
        if golden.integer("exclusive") == 1 { sums = try sums - x }
        return [golden.integer("reverse") == 1 ? try sums.flipped(axes: [axis]) : sums]
    },
    "Softmax": { [try $0.input(0).softmax(axis: $0.integer("axis") ?? -1)] },
    "LogSoftmax": { [try $0.input(0).logSoftmax(axis: $0.integer("axis") ?? -1)] },
    "Hardmax": { golden in
        let (x, axis) = (try golden.input(0), golden.integer("axis") ?? -1)
        let length = x.shape[axis < 0 ? axis + x.rank : axis]
        return [try x.argmax(axis: axis).oneHot(depth: length, dtype: x.dtype).movingAxis(-1, to: axis)]
    },
]

extension GoldenCase {
    /// What ONNX takes for the extreme of no floats, if an axis that is reduced has no elements: the library throws.
    fileprivate func extremeOfNothing(_ value: Double) throws -> AnyTensor? {
        let x = try input(0)
        guard x.elementCount == 0, x.dtype.isFloatingPoint else { return nil }
        let shape = try x.sum(axes: axes(), keepsDimensions: keepsDimensions).shape
        return try .full(shape, number: value, dtype: x.dtype)
    }

    /// The places of extremes, as int64: the first ones, or the last where that is asked for.
    fileprivate func extremePlaces(_ find: (AnyTensor, Int) throws -> AnyTensor) throws -> AnyTensor {
        let x = try input(0)
        let axis = integer("axis").map { $0 < 0 ? $0 + x.rank : $0 } ?? 0
        var places: AnyTensor
        if integer("select_last_index") == 1 {
            // The first from the back.
            let last = try AnyTensor.scalar(Int32(x.shape[axis] - 1))
            places = try last - find(x.flipped(axes: [axis]), axis)
        } else {
            places = try find(x, axis)
        }
        places = try places.cast(to: .int64)
        return keepsDimensions ? try places.expandingDimensions(at: axis) : places
    }
}
