import Tensor

/// Operators that change shapes.
let onnxShapes: [String: GoldenOperation] = [
    "Transpose": { golden in
        let x = try golden.input(0)
        return [try x.transposed(golden.integers("perm") ?? x.shape.indices.reversed())]
    },
    "Reshape": { golden in
        let x = try golden.input(0)
        var shape = try golden.numbers(1) ?? []
        if golden.integer("allowzero") != 1 {
            for (axis, length) in shape.enumerated() where length == 0 { shape[axis] = x.shape[axis] }
        }
        if let open = shape.firstIndex(of: -1) {
            let known = shape.reduce(1) { $1 < 0 ? $0 : $0 * $1 }
            shape[open] = known == 0 ? 0 : x.elementCount / known
        }
        return [try x.reshaped(to: Shape(shape))]
    },
    "Flatten": { golden in
        let (x, axis) = (try golden.input(0), golden.integer("axis") ?? 1)
        let rows = x.shape[..<(axis < 0 ? axis + x.rank : axis)].reduce(1, *)
        return [try x.reshaped(to: [rows, rows == 0 ? 0 : x.elementCount / rows])]
    },
    "Squeeze": { golden in
        let x = try golden.input(0)
        let axes = try golden.axes()?.map { $0 < 0 ? $0 + x.rank : $0 }
        let kept = x.shape.indices.filter { axis in axes.map { !$0.contains(axis) } ?? (x.shape[axis] != 1) }
        return [try x.reshaped(to: Shape(kept.map { x.shape[$0] }))]
    },
    "Unsqueeze": { golden in
        let x = try golden.input(0)
        let axes = try golden.axes() ?? []
        let rank = x.rank + axes.count
        let added = Set(axes.map { $0 < 0 ? $0 + rank : $0 })
        var lengths = Array(x.shape)
        let shape = (0..<rank).map { added.contains($0) ? 1 : lengths.removeFirst() }
        return [try x.reshaped(to: Shape(shape))]
    },
    "Expand": { golden in
        let x = try golden.input(0)
        // Both ways: the shape may have 1 where the tensor is longer.
        let target = try golden.numbers(1) ?? []
        let rank = max(x.rank, target.count)
        func aligned(_ lengths: [Int]) -> [Int] { [Int](repeating: 1, count: rank - lengths.count) + lengths }
        let shape = zip(aligned(Array(x.shape)), aligned(target)).map { $1 == 1 ? $0 : $1 }
        return [try x.broadcast(to: Shape(shape))]
    },
    "Concat": { golden in
        [try .concatenate((0..<golden.inputs.count).map(golden.input), axis: golden.integer("axis") ?? 0)]
    },
    "Slice": { golden in
        var x = try golden.input(0)
        let (starts, ends) = (try golden.numbers(1) ?? [], try golden.numbers(2) ?? [])
        let axes = try golden.numbers(3) ?? Array(starts.indices)
        let steps = try golden.numbers(4) ?? starts.map { _ in 1 }
        for (place, axis) in axes.enumerated() {
            let axis = axis < 0 ? axis + x.rank : axis
            let (length, step) = (x.shape[axis], steps[place])
            func bounded(_ index: Int, _ range: ClosedRange<Int>) -> Int {
                min(max(index < 0 ? index + length : index, range.lowerBound), range.upperBound)
            }
            // A range of places, walked from its back with a negative step: ONNX counts down to, and without, its end.
            let range: Range<Int>
            if step > 0 {
                let start = bounded(starts[place], 0...length)
                range = start..<max(start, bounded(ends[place], 0...length))
            } else {
                let start = bounded(starts[place], -1...length - 1)
                let end = ends[place] < -length ? -1 : bounded(ends[place], -1...length - 1)
                range = min(end, start) + 1..<start + 1
            }
            x = try x.sliced(axis: axis, range, step: step)
        }
        return [x]
    },
    "Split": { golden in
        let (x, axis) = (try golden.input(0), golden.integer("axis") ?? 0)
        let length = x.shape[axis < 0 ? axis + x.rank : axis]
        let parts = golden.integer("num_outputs") ?? golden.outputCount
        let even = (length + parts - 1) / parts
        let sizes =
            try golden.integers("split") ?? golden.numbers(1)
            ?? (0..<parts).map { min(even, length - min(length, even * $0)) }
        var start = 0
        return try sizes.map { size in
            defer { start += size }
            return try x.sliced(axis: axis, start..<start + size)
        }
    },
    "Tile": { [try $0.input(0).tiled($0.numbers(1) ?? [])] },
    "Trilu": { golden in
        let x = try golden.input(0)
        let diagonal = Int(try golden.scalar(1) ?? 0)
        let isUpper = golden.integer("upper") != 0
        return [isUpper ? try x.upperTriangle(diagonal: diagonal) : try x.lowerTriangle(diagonal: diagonal)]
    },
    "Pad": { golden in
        let x = try golden.input(0)
        let pads = try golden.numbers(1) ?? []
        let axes = try golden.numbers(3) ?? Array(0..<x.rank)
        var widths = Array(repeating: (before: 0, after: 0), count: x.rank)
        for (place, axis) in axes.enumerated() {
            widths[axis < 0 ? axis + x.rank : axis] = (pads[place], pads[axes.count + place])
        }
        let mode: PadMode<AnyTensor?> =
            switch golden.text("mode") ?? "constant" {
            case "constant": .constant(golden.optionalInput(2))
            case "reflect": .reflect
            case "edge": .edge
            case "wrap": .circular
            case let mode: throw OutsideScope("padding by \(mode)")
            }
        return [try x.padded(widths, mode: mode)]
    },
    "DepthToSpace": { golden in
        let (x, block) = (try golden.input(0), golden.integer("blocksize") ?? 1)
        if golden.text("mode") == "CRD" { return [try x.pixelShuffled(by: block)] }
        // Here a block's channels are apart by the number of channels that there are to be.
        let (batch, channels) = (x.shape[0], x.shape[1] / (block * block))
        let parts = try x.reshaped(to: Shape([batch, block * block, channels] + x.shape.dropFirst(2)))
        return [try parts.swappingAxes(1, 2).reshaped(to: x.shape).pixelShuffled(by: block)]
    },
    "SpaceToDepth": { golden in
        let (x, block) = (try golden.input(0), golden.integer("blocksize") ?? 1)
        let gathered = try x.pixelUnshuffled(by: block)
        let parts = [x.shape[0], x.shape[1], block * block] + gathered.shape.dropFirst(2)
        return [try gathered.reshaped(to: Shape(parts)).swappingAxes(1, 2).reshaped(to: gathered.shape)]
    },
]
