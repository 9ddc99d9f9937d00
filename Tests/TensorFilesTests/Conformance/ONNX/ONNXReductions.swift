import Tensor

/// Reductions, and what works along one axis.
let onnxReductions: [String: GoldenOperation] = [
    "ReduceSum": { [try $0.input(0).sum(axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ReduceMean": { [try $0.input(0).mean(axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ReduceMax": { [try $0.input(0).max(axes: $0.axes(), keepsDimensions: $0.keepsDimensions)] },
    "ReduceSumSquare": { golden in
        let x = try golden.input(0)
        return [try (x * x).sum(axes: golden.axes(), keepsDimensions: golden.keepsDimensions)]
    },
    "ReduceL2": { golden in
        let x = try golden.input(0)
        return [try (x * x).sum(axes: golden.axes(), keepsDimensions: golden.keepsDimensions).squareRoot()]
    },
    "ReduceLogSum": { [try $0.input(0).sum(axes: $0.axes(), keepsDimensions: $0.keepsDimensions).log()] },
    "ArgMax": { golden in
        let x = try golden.input(0)
        let axis = golden.integer("axis").map { $0 < 0 ? $0 + x.rank : $0 } ?? 0
        var places: AnyTensor
        if golden.integer("select_last_index") == 1 {
            // The first from the back.
            let last = try AnyTensor.scalar(Int32(x.shape[axis] - 1))
            places = try last - x.sliced(axis: axis, 0..<x.shape[axis], step: -1).argmax(axis: axis)
        } else {
            places = try x.argmax(axis: axis)
        }
        places = try places.cast(to: .int64)
        guard golden.keepsDimensions else { return [places] }
        var shape = Array(x.shape)
        shape[axis] = 1
        return [try places.reshaped(to: Shape(shape))]
    },
    "Softmax": { [try $0.input(0).softmax(axis: $0.integer("axis") ?? -1)] },
    "LogSoftmax": { [try $0.input(0).logSoftmax(axis: $0.integer("axis") ?? -1)] },
]
