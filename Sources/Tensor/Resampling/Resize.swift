extension AnyTensor {
    /// Images, signals or volumes `[batch, channels, …]`, or with the channels last, with other lengths along their
    /// spatial axes: up- and downsampling, one axis after the other.
    ///
    /// Places outside of the original are those at its border. Downsampling takes no mean of what it leaves out. PyTorch's
    /// `interpolate` is `.linear` or `.cubic` by `.halfPixel` (or `.alignedCorners`), its "nearest" `.nearest(.floor)` by
    /// `.asymmetric`, its "nearest-exact" `.nearest(.closestOrSecond)` by `.halfPixel`. 16-bit floats are added up as
    /// float32.
    ///
    /// - Parameters:
    ///   - lengths: one for each spatial axis.
    ///   - scales: the factors that coordinates are computed by, where they are not the ratios of the lengths.
    /// - Throws: ``TensorError/Code/shapeMismatch`` for ranks, lengths or scales that do not fit,
    ///   ``TensorError/Code/dtypeMismatch`` unless the elements are floats or the nearest ones are taken.
    public func resized(
        to lengths: [Int], by interpolation: ResizeInterpolation = .linear,
        coordinates: ResizeCoordinates = .halfPixel, scales: [Double] = [], layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let arguments = try SpatialArguments(shape, of: "resized")
        guard lengths.count == arguments.rank, lengths.allSatisfy({ $0 >= 0 && $0 <= Int(Int32.max) }) else {
            throw TensorError(
                .shapeMismatch, "resized: lengths \(lengths) for the \(arguments.rank) spatial axes of \(shape)")
        }
        guard scales.isEmpty || scales.count == arguments.rank, scales.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw TensorError(
                .shapeMismatch, "resized: scales \(scales) for the \(arguments.rank) spatial axes of \(shape)")
        }
        if case .nearest = interpolation {} else { try type.require(.floats, in: "resized") }
        var result = try cast(to: dtype.wide)
        for (spatial, count) in lengths.enumerated() {
            let axis = layout.firstSpatialAxis + spatial
            let length = shape[axis]
            guard length > 0 else {
                throw TensorError(.shapeMismatch, "resized: no places along axis \(axis) of \(shape)")
            }
            let scale = scales.isEmpty ? nil : scales[spatial]
            if count == length && (scale ?? 1) == 1 { continue }
            // Far outside of the original every tap is at the border.
            let taps = coordinates.places(length: length, count: count, scale: scale).map {
                interpolation.taps(at: Swift.min(Swift.max($0, -3), Double(length) + 2))
            }
            result = try result.resampled(taps, length: length, axis: axis)
        }
        return try result.cast(to: dtype)
    }

    /// Along an axis of that length, the weighted sums of elements at taps, of which each place has as many.
    private func resampled(
        _ taps: [[(place: Double, weight: Double)]], length: Int, axis: Int
    ) throws(TensorError) -> AnyTensor {
        let last = Double(length - 1)
        var sum: AnyTensor?
        for tap in 0..<(taps.first?.count ?? 1) {
            let places = taps.map { Int64(Swift.min(Swift.max($0[tap].place, 0), last)) }
            var term = try taking(AnyTensor(places, shape: Shape([places.count])), axis: axis)
            if taps.contains(where: { $0[tap].weight != 1 }) {
                var dimensions = Array(repeating: 1, count: rank)
                dimensions[axis] = taps.count
                let weights = try AnyTensor(taps.map { $0[tap].weight }, shape: Shape(dimensions))
                term = try term * weights.cast(to: dtype)
            }
            if let earlier = sum { sum = try earlier + term } else { sum = term }
        }
        return sum ?? self
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// Images, signals or volumes with other lengths along their spatial axes. Traps unless the elements are floats or the
    /// nearest ones are taken.
    public func resized(
        to lengths: [Int], by interpolation: ResizeInterpolation = .linear,
        coordinates: ResizeCoordinates = .halfPixel, scales: [Double] = [], layout: SpatialLayout = .channelsFirst
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.resized(
                to: lengths, by: interpolation, coordinates: coordinates, scales: scales, layout: layout)
        }
    }
}
