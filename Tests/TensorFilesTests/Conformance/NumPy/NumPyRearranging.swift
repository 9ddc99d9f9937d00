import Tensor

/// What shows elements in another shape or order, and what puts them elsewhere.
let numPyRearranging: [String: GoldenOperation] = [
    "contiguous": { [try $0.input(0)] },
    "reshape": { [try $0.input(0).reshaped(to: Shape($0.integers("shape") ?? []))] },
    "concatenate": { [try .concatenate([$0.input(0), $0.input(1)], axis: $0.axis)] },
    "stack": { [try .stack([$0.input(0), $0.input(1)], axis: $0.axis)] },
    "repeat": { [try $0.input(0).repeating($0.integer("count") ?? 1, axis: $0.axis)] },
    "repeat_each": { [try $0.input(0).repeating($0.integers("counts") ?? [], axis: $0.axis)] },
    "tile": { [try $0.input(0).tiled($0.integers("counts") ?? [])] },
    "flip": { [try $0.input(0).flipped(axes: [$0.axis])] },
    "flip_all": { [try $0.input(0).flipped()] },
    "roll": { [try $0.input(0).rolled($0.integer("shift") ?? 0, axis: $0.axis)] },
    "moveaxis": { [try $0.input(0).movingAxis($0.integer("source") ?? 0, to: $0.integer("destination") ?? 0)] },
    "swapaxes": { golden in
        let axes = golden.integers("axes") ?? [0, 0]
        return [try golden.input(0).swappingAxes(axes[0], axes[1])]
    },
    "transpose": { [try $0.input(0).transposed($0.integers("axes") ?? [])] },
    "broadcast_to": { [try $0.input(0).broadcast(to: Shape($0.integers("shape") ?? []))] },
    "split": { try $0.input(0).split(sizes: $0.integers("sizes") ?? [], axis: $0.axis) },
    "array_split": { try $0.input(0).split(into: $0.integer("count") ?? 0, axis: $0.axis) },
    "windows": { golden in
        let (size, step) = (golden.integer("size") ?? 0, golden.integer("step") ?? 0)
        return [try golden.input(0).windows(axis: golden.axis, size: size, step: step)]
    },
    "expand_dims": { [try $0.input(0).expandingDimensions(at: $0.axis)] },
    "squeeze": { [try $0.input(0).squeezed(axes: [$0.axis])] },
    "squeeze_all": { [try $0.input(0).squeezed()] },
    "tril": { [try $0.input(0).lowerTriangle(diagonal: $0.integer("k") ?? 0)] },
    "triu": { [try $0.input(0).upperTriangle(diagonal: $0.integer("k") ?? 0)] },
    "diagonal": { golden in
        let axes = golden.integers("axes") ?? [0, 1]
        return [try golden.input(0).diagonal(offset: golden.integer("k") ?? 0, axes: (axes[0], axes[1]))]
    },
    "pad": { golden in
        let modes: [String: PadMode<AnyTensor?>] = [
            "constant": .constant(nil), "edge": .edge, "reflect": .reflect, "wrap": .circular,
        ]
        let name = golden.text("mode") ?? ""
        guard let mode = modes[name] else { throw Lacking("padding \(name)") }
        let widths = zip(golden.integers("before") ?? [], golden.integers("after") ?? [])
        return [try golden.input(0).padded(widths.map { (before: $0, after: $1) }, mode: mode)]
    },
]
