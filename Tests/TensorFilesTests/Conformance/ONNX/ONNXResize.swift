import Tensor

/// Other lengths along axes.
let onnxResize: [String: GoldenOperation] = [
    "Resize": { golden in
        let x = try golden.input(0)
        try golden.require("antialias", 0, because: "resizing averages nothing")
        try golden.require("exclude_outside", 0, because: "resizing has the border outside of images")
        if let coefficient = golden.number("cubic_coeff_a"), coefficient != -0.75 {
            throw OutsideScope("another cubic kernel than that of a = -0.75")
        }
        let axes = (golden.integers("axes") ?? Array(0..<x.rank)).map { $0 < 0 ? $0 + x.rank : $0 }
        let (lengths, scales) = try golden.resizedLengths(axes)
        guard x.rank > 2, lengths[0] == x.shape[0], lengths[1] == x.shape[1] else {
            throw OutsideScope("resizing of other axes than spatial ones")
        }
        let sampling = (try golden.interpolation(), try golden.coordinates())
        return [
            try x.resized(
                to: Array(lengths[2...]), by: sampling.0, coordinates: sampling.1, scales: Array(scales[2...]))
        ]
    }
]

extension GoldenCase {
    /// The length of each axis, and by what coordinates are scaled.
    fileprivate func resizedLengths(_ axes: [Int]) throws -> (lengths: [Int], scales: [Double]) {
        let shape = try input(0).shape
        var lengths = Array(shape)
        var scales = Array(repeating: 1.0, count: lengths.count)
        if let factors = optionalInput(2) {
            for (factor, axis) in zip(try factors.scalars(as: Float.self), axes) {
                scales[axis] = Double(factor)
                lengths[axis] = Int((Double(shape[axis]) * scales[axis]).rounded(.down))
            }
            return (lengths, scales)
        }
        let sizes = try numbers(3) ?? []
        let ratios = zip(sizes, axes).map { Double($0) / Double(shape[$1]) }
        let policy = text("keep_aspect_ratio_policy") ?? "stretch"
        for (place, axis) in axes.enumerated() {
            switch policy {
            case "stretch":
                scales[axis] = ratios[place]
                lengths[axis] = sizes[place]
            default:
                scales[axis] = policy == "not_larger" ? ratios.min()! : ratios.max()!
                lengths[axis] = Int((Double(shape[axis]) * scales[axis] + 0.5).rounded(.down))
            }
        }
        return (lengths, scales)
    }

    fileprivate func interpolation() throws -> ResizeInterpolation {
        switch (text("mode") ?? "nearest", text("nearest_mode") ?? "round_prefer_floor") {
        case ("linear", _): .linear
        case ("cubic", _): .cubic
        case (_, "round_prefer_floor"): .nearest(.closestOrFirst)
        case (_, "round_prefer_ceil"): .nearest(.closestOrSecond)
        case (_, "floor"): .nearest(.floor)
        case (_, "ceil"): .nearest(.ceiling)
        case (let mode, let rounding): throw OutsideScope("the mode \(mode), \(rounding)")
        }
    }

    fileprivate func coordinates() throws -> ResizeCoordinates {
        switch text("coordinate_transformation_mode") ?? "half_pixel" {
        case "half_pixel": .halfPixel
        case "align_corners": .alignedCorners
        case "asymmetric": .asymmetric
        case let mode: throw OutsideScope("the coordinates \(mode)")
        }
    }
}
