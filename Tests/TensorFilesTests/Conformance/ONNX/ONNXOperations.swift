import Tensor

/// ONNX's operators as calls of the library, by `op_type`: one closure an operator, one file a family.
let onnxOperations: [String: GoldenOperation] = [
    onnxElementwise, onnxFunctions, onnxActivations, onnxLogic, onnxReductions, onnxShapes, onnxCreation, onnxIndexing,
    onnxMatrices, onnxWindows, onnxResize, onnxNormalization, onnxLosses, onnxGraphs,
].reduce(into: [:]) { all, family in all.merge(family) { one, _ in one } }

extension GoldenCase {
    /// ONNX's number of an element type, as a type of the library.
    static func dtype(ofONNX number: Int) throws -> DType {
        let types: [Int: DType] = [
            1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 9: .bool, 10: .float16,
            11: .float64, 12: .uint32, 13: .uint64, 16: .bfloat16,
        ]
        guard let dtype = types[number] else { throw OutsideScope("element type \(number)") }
        return dtype
    }

    /// An int64 input as numbers, if it is there: shapes, axes and bounds are inputs in newer versions of an operator.
    func numbers(_ place: Int) throws -> [Int]? {
        guard let tensor = optionalInput(place) else { return nil }
        switch tensor.dtype {
        case .int64: return try tensor.scalars(as: Int64.self).map(Int.init)
        case .int32: return try tensor.scalars(as: Int32.self).map(Int.init)
        default: throw OutsideScope("input \(place) is \(tensor.dtype)")
        }
    }

    /// An input of one number of whatever type, if it is there.
    func scalar(_ place: Int) throws -> Double? {
        try optionalInput(place)?.cast(to: .float64).reshaped(to: [1]).scalars(as: Double.self)[0]
    }

    /// The axes of a reduction: an attribute before version 13 or 18, the second input from then on.
    func axes() throws -> [Int]? {
        if let axes = integers("axes") { return axes }
        guard let axes = try numbers(1) else { return nil }
        // No axes are all of them, unless the attribute says that they are none.
        return axes.isEmpty && integer("noop_with_empty_axes") != 1 ? nil : axes
    }

    /// Whether reduced axes stay, as they do by default.
    var keepsDimensions: Bool { integer("keepdims") != 0 }
}
