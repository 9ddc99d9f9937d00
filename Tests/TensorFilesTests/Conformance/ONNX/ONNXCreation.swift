import Tensor

/// Operators that make tensors, and what ONNX says of their shape.
let onnxCreation: [String: GoldenOperation] = [
    "Constant": { golden in
        if let tensor = golden.tensor("value") { return [tensor] }
        if let number = golden.number("value_float") { return [try .scalar(Float(number))] }
        if let number = golden.integer("value_int") { return [try .scalar(Int64(number))] }
        if let numbers = golden.integers("value_ints") {
            return [try AnyTensor(numbers.map { Int64($0) }, shape: [numbers.count])]
        }
        throw Lacking("a constant of another kind")
    },
    "ConstantOfShape": { golden in
        let shape = try Shape(golden.numbers(0) ?? [])
        // One element, which is 0 where nothing is said.
        let element = try golden.tensor("value")?.reshaped(to: []) ?? .scalar(Float(0))
        return [try element.broadcast(to: shape)]
    },
    "EyeLike": { golden in
        let like = try golden.input(0)
        let dtype = try golden.integer("dtype").map(GoldenCase.dtype(ofONNX:)) ?? like.dtype
        return [try .eye(like.shape[0], like.shape[1], diagonal: golden.integer("k") ?? 0, dtype: dtype)]
    },
    "Range": { golden in
        let bounds = try (0..<3).map { try golden.scalar($0) ?? 0 }
        let dtype = try golden.input(0).dtype
        guard dtype.isInteger else {
            return [try .stride(from: bounds[0], to: bounds[1], by: bounds[2], dtype: dtype)]
        }
        return [try .stride(from: Int(bounds[0]), to: Int(bounds[1]), by: Int(bounds[2]), dtype: dtype)]
    },
    "Shape": { golden in
        let shape = try golden.input(0).shape
        func bounded(_ index: Int) -> Int { min(max(index < 0 ? index + shape.rank : index, 0), shape.rank) }
        let start = bounded(golden.integer("start") ?? 0)
        let end = max(start, bounded(golden.integer("end") ?? shape.rank))
        let lengths = Array(shape)[start..<end].map { Int64($0) }
        return [try AnyTensor(lengths, shape: [lengths.count])]
    },
    "Size": { [try .scalar(Int64($0.input(0).elementCount))] },
]
