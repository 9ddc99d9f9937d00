extension Shape {
    /// The shape that two shapes broadcast to, as the Python array API standard has it: aligned at the last axis, a
    /// missing axis or one of length 1 is repeated.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` that names the operation and both shapes.
    package static func broadcast(
        _ left: Shape, _ right: Shape, in operation: StaticString
    ) throws(TensorError) -> Shape {
        if left == right { return left }
        let rank = Swift.max(left.rank, right.rank)
        var dimensions = AxisValues(repeating: 1)
        for axis in 0..<rank {
            let leftAxis = axis - (rank - left.rank)
            let rightAxis = axis - (rank - right.rank)
            let leftDimension = leftAxis < 0 ? 1 : left.dimensions[leftAxis]
            let rightDimension = rightAxis < 0 ? 1 : right.dimensions[rightAxis]
            guard leftDimension == rightDimension || leftDimension == 1 || rightDimension == 1 else {
                throw TensorError(.shapeMismatch, "\(operation): \(left) and \(right) do not broadcast")
            }
            dimensions[axis] = leftDimension == 1 ? rightDimension : leftDimension
        }
        // Two sound shapes may have an unsound product.
        return try Shape(checking: dimensions, rank: rank)
    }

    /// Whether tensors of this shape broadcast to `target` without changing it.
    package func broadcasts(to target: Shape) -> Bool {
        guard rank <= target.rank else { return false }
        let added = target.rank - rank
        for axis in 0..<rank {
            let dimension = dimensions[axis]
            guard dimension == 1 || dimension == target.dimensions[axis + added] else { return false }
        }
        return true
    }

    /// The axes of `target` along which a tensor of this shape is repeated when it broadcasts to it: those that a
    /// cotangent is summed over on the way back.
    package func repeatedAxes(in target: Shape) -> AxisSet {
        var axes = AxisSet()
        let added = target.rank - rank
        for axis in 0..<target.rank {
            if axis < added || dimensions[axis - added] != target.dimensions[axis] { axes.insert(axis) }
        }
        return axes
    }

    /// This shape without `axes`, or with length 1 there.
    package func reduced(over axes: AxisSet, keepsDimensions: Bool) -> Shape {
        var reduced = AxisValues(repeating: 1)
        var count = 0
        for axis in 0..<rank {
            if !axes.contains(axis) {
                reduced[count] = dimensions[axis]
            } else if !keepsDimensions {
                continue
            }
            count += 1
        }
        return Shape(unchecked: reduced, rank: count)
    }

    /// This shape with another length along one axis.
    package func replacing(axis: Int, with dimension: Int) throws(TensorError) -> Shape {
        var replaced = dimensions
        replaced[axis] = dimension
        return try Shape(checking: replaced, rank: rank)
    }

    /// As ``init(_:)``, from inline dimensions.
    package init(checking dimensions: AxisValues, rank: Int) throws(TensorError) {
        let candidate = Shape(unchecked: dimensions, rank: rank)
        var count = 1
        for axis in 0..<rank {
            let (product, overflow) = count.multipliedReportingOverflow(by: Swift.max(dimensions[axis], 1))
            guard !overflow, product <= Shape.maximumElementCount else {
                throw TensorError(.outOfMemory, "a tensor of shape \(candidate) cannot be addressed")
            }
            count = product
        }
        self = candidate
    }
}
