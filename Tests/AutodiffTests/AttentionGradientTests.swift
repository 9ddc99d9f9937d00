import Autodiff
import Tensor
import Testing

@Suite("Gradients of causal attention")
struct AttentionGradientTests {
    private static let length = 9
    private static let names = ["queries", "keys", "values", "mask"]

    private static func operands() throws -> NamedTensors {
        let key = RandomKey(seed: 5)
        let shapes: [Shape] = [[1, 2, 9, 3], [1, 1, 9, 3], [1, 1, 9, 4], [9, 9]]
        return try NamedTensors(zip(names, shapes).map { ($0, try key.foldIn($0).normal($1)) })
    }

    /// The gradient of the weighed result at each place of the sequence: of the mask, at each query.
    private static func gradients(
        _ operands: NamedTensors, dtype: DType, weights: AnyTensor
    ) throws -> [String: [[Float]]] {
        let gradient = try valueAndGradient(at: operands) { p in
            let typed = try names.map { try p.tensor(named: $0).cast(to: dtype) }
            let result = try typed[0].attention(keys: typed[1], values: typed[2], mask: typed[3], isCausal: true)
            return try Tensor((result.cast(to: .float32) * weights).sum())
        }.gradient
        var found: [String: [[Float]]] = [:]
        for (name, tensor) in gradient {
            found[name] = try (0..<length).map {
                try tensor.element($0, axis: name == "mask" ? 0 : 2).scalars(as: Float.self)
            }
        }
        return found
    }

    private static func spoil(_ tensor: inout AnyTensor, at place: Int, with strange: Float) throws(TensorError) {
        try tensor.assign(.scalar(strange), at: [0, 0, .at(place), 1])
    }

    @Test(
        "what a later key or value holds reaches no earlier query's gradient, not even NaN",
        arguments: [DType.float32, .float64, .bfloat16], [Float.nan, .infinity, -.infinity])
    func laterKeys(dtype: DType, strange: Float) throws {
        let first = 6
        let operands = try Self.operands()
        let weights = try RandomKey(seed: 6).normal([1, 2, 9, 4])
        let expected = try Self.gradients(operands, dtype: dtype, weights: weights)
        for name in ["keys", "values"] {
            var spoilt = operands
            try spoilt.update(name) { tensor throws(TensorError) in try Self.spoil(&tensor, at: first, with: strange) }
            let found = try Self.gradients(spoilt, dtype: dtype, weights: weights)
            for query in 0..<first {
                #expect(found["queries"]![query] == expected["queries"]![query], "\(name), query \(query)")
                #expect(found["mask"]![query] == expected["mask"]![query], "\(name), query \(query)")
            }
            // Queries that see it are not spared.
            let isSpoilt = (first..<Self.length).map { query in !found["queries"]![query].allSatisfy(\.isFinite) }
            #expect(isSpoilt.contains(true), "\(name)")
        }
    }

    @Test(
        "what an earlier query or its cotangent holds reaches no later key's gradient, nor a later value's",
        arguments: [DType.float32, .float64, .bfloat16], [Float.nan, .infinity, -.infinity])
    func earlierQueries(dtype: DType, strange: Float) throws {
        let last = 3
        let operands = try Self.operands()
        let weights = try RandomKey(seed: 6).normal([1, 2, 9, 4])
        let expected = try Self.gradients(operands, dtype: dtype, weights: weights)
        for name in ["queries", "cotangent"] {
            var (spoilt, cotangent) = (operands, weights)
            if name == "queries" {
                try spoilt.update(name) { tensor throws(TensorError) in
                    try Self.spoil(&tensor, at: last, with: strange)
                }
            } else {
                try Self.spoil(&cotangent, at: last, with: strange)
            }
            let found = try Self.gradients(spoilt, dtype: dtype, weights: cotangent)
            for key in last + 1..<Self.length {
                #expect(found["keys"]![key] == expected["keys"]![key], "\(name), key \(key)")
                #expect(found["values"]![key] == expected["values"]![key], "\(name), key \(key)")
            }
            let isSpoilt = (0...last).map { key in !found["keys"]![key].allSatisfy(\.isFinite) }
            #expect(isSpoilt.contains(true), "\(name)")
        }
    }
}
