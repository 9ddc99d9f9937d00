import Tensor

/// Operators that choose, place or count elements by their index or their value.
let onnxIndexing: [String: GoldenOperation] = [
    "Gather": { [try $0.input(0).taking($0.input(1), axis: $0.integer("axis") ?? 0)] },
    "GatherElements": { [try $0.input(0).taking(along: $0.integer("axis") ?? 0, $0.input(1))] },
    "GatherND": { golden in
        let x = try golden.input(0)
        var tuples = try golden.tuples()
        // The index of the batch is one more part of each tuple.
        for axis in (0..<(golden.integer("batch_dims") ?? 0)).reversed() {
            var dimensions = Array(repeating: 1, count: try golden.input(1).rank - 1)
            dimensions[axis] = x.shape[axis]
            let places = (0..<x.shape[axis]).map { Int64($0) }
            tuples.insert(try AnyTensor(places, shape: Shape(dimensions)), at: 0)
        }
        return [try x.taking(tuples: tuples)]
    },
    "ScatterElements": { golden in
        let axis = golden.integer("axis") ?? 0
        return [
            try golden.input(0).scattering(golden.input(2), along: axis, golden.input(1), mode: golden.scatterMode())
        ]
    },
    "ScatterND": { golden in
        [try golden.input(0).scattering(golden.input(2), tuples: golden.tuples(), mode: golden.scatterMode())]
    },
    "Compress": { golden in
        let places = try golden.input(1).nonZero().element(0, axis: 1)
        guard let axis = golden.integer("axis") else {
            let x = try golden.input(0)
            return [try x.reshaped(to: [x.elementCount]).taking(places)]
        }
        return [try golden.input(0).taking(places, axis: axis)]
    },
    "NonZero": { [try $0.input(0).nonZero().transposed()] },
    "OneHot": { golden in
        let depth = Int(try golden.scalar(1) ?? 0)
        let classes = try golden.input(0).cast(to: .int64)
        let isChosen = try AnyTensor.select(classes .< 0, classes + Double(depth), classes).oneHot(depth: depth)
        let (off, on) = (try golden.input(2).element(0), try golden.input(2).element(1))
        let result = try AnyTensor.select(isChosen .!= 0, on, off)
        return [try result.movingAxis(-1, to: golden.integer("axis") ?? -1)]
    },
    "TopK": { golden in
        let count = Int(try golden.scalar(1) ?? 0)
        let isLargest = golden.integer("largest") != 0
        let top = try golden.input(0).topK(count, axis: golden.integer("axis") ?? -1, largest: isLargest)
        return [top.values, try top.indices.cast(to: .int64)]
    },
    "Unique": { golden in
        let x = try golden.input(0)
        let axis = golden.integer("axis")
        let unique = try axis.map { try x.uniqueSlices(axis: $0) } ?? x.uniqueElements()
        let inverse = try unique.inverse.reshaped(to: [unique.inverse.elementCount])
        let found = [unique.values, unique.firstPlaces, inverse, unique.counts]
        guard golden.integer("sorted") == 0 else {
            return [found[0]] + (try found[1...].map { try $0.cast(to: .int64) })
        }
        // In the order in which they first come.
        let order = try unique.firstPlaces.argsort()
        let ranks = try order.argsort()
        return [
            try found[0].taking(order, axis: axis ?? 0), try found[1].taking(order).cast(to: .int64),
            try ranks.taking(inverse).cast(to: .int64), try found[3].taking(order),
        ]
    },
]

extension GoldenCase {
    /// The index of each axis, which are the last axis of the second input.
    fileprivate func tuples() throws -> [AnyTensor] {
        let indices = try input(1)
        return try (0..<indices.shape[indices.rank - 1]).map { try indices.element($0, axis: indices.rank - 1) }
    }

    fileprivate func scatterMode() throws -> ScatterMode {
        let modes: [String: ScatterMode] = [
            "none": .set, "add": .add, "mul": .multiply, "max": .maximum, "min": .minimum,
        ]
        let name = text("reduction") ?? "none"
        guard let mode = modes[name] else { throw OutsideScope("the reduction \(name)") }
        return mode
    }
}
