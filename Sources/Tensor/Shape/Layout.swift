/// Where the elements of a tensor lie, relative to its first one: a shape and a signed stride for each axis, counted in
/// elements. Views (transpose, slice, broadcast, many reshapes) change the layout and leave the bytes alone.
///
/// A tensor value is copied several times on its way through an operation, so a layout is kept small: a contiguous one is
/// its shape, a view of at most four axes has its strides beside that, and only a view of more axes allocates.
package struct Layout: Sendable {
    /// Up to how many axes a view's strides are stored inline.
    private static let inlineRank = AxisValues.capacity / 2

    /// The dimensions, and from `inlineRank` on the strides of a view of at most so many axes.
    private let slots: AxisValues
    /// The strides of a view of more axes.
    private let boxedStrides: BoxedStrides?
    private let axisCount: UInt8
    /// Whether the elements follow each other in row-major order. The strides of axes of length 1 do not matter, and
    /// a tensor without elements is contiguous.
    package let isContiguous: Bool

    private final class BoxedStrides: Sendable {
        let values: AxisValues

        init(_ values: AxisValues) { self.values = values }
    }

    package init(shape: Shape, strides: AxisValues) {
        var slots = shape.dimensions
        isContiguous = Self.isContiguous(shape, strides)
        axisCount = UInt8(truncatingIfNeeded: shape.rank)
        let isInline = shape.rank <= Self.inlineRank
        boxedStrides = isContiguous || isInline ? nil : BoxedStrides(strides)
        if !isContiguous, isInline {
            for axis in 0..<shape.rank { slots[Self.inlineRank + axis] = strides[axis] }
        }
        self.slots = slots
    }

    /// Row-major without gaps: the last axis has stride 1.
    package init(contiguous shape: Shape) {
        slots = shape.dimensions
        boxedStrides = nil
        axisCount = UInt8(truncatingIfNeeded: shape.rank)
        isContiguous = true
    }

    package var shape: Shape { Shape(unchecked: slots, rank: rank) }
    package var rank: Int { Int(axisCount) }

    package var elementCount: Int {
        var product = 1
        for axis in 0..<rank { product &*= slots[axis] }
        return product
    }

    /// The distance between neighbours along each axis, in elements.
    package var strides: AxisValues {
        if let boxedStrides { return boxedStrides.values }
        var strides = AxisValues(repeating: 0)
        if isContiguous {
            var step = 1
            for axis in (0..<rank).reversed() {
                strides[axis] = step
                step &*= Swift.max(slots[axis], 1)
            }
        } else {
            for axis in 0..<rank { strides[axis] = slots[Self.inlineRank + axis] }
        }
        return strides
    }

    /// Whether both have one shape.
    package func hasShape(of other: Layout) -> Bool {
        guard axisCount == other.axisCount else { return false }
        for axis in 0..<rank where slots[axis] != other.slots[axis] { return false }
        return true
    }

    private static func isContiguous(_ shape: Shape, _ strides: AxisValues) -> Bool {
        var expected = 1
        for axis in (0..<shape.rank).reversed() {
            let dimension = shape.dimensions[axis]
            if dimension == 1 { continue }
            guard strides[axis] == expected else { return shape.elementCount == 0 }
            expected &*= dimension
        }
        return true
    }

    /// Whether the elements fill a range of memory once, in some order of the axes, the first element first.
    ///
    /// That is what may be overwritten in place: a broadcast view would be written several times, and a view with
    /// gaps or negative strides does not cover its range from its base.
    package var isDense: Bool {
        if isContiguous { return true }
        let (shape, strides) = (shape, strides)
        // Insertion sort of the axes by stride: at most eight.
        var order = AxisValues(repeating: 0)
        var count = 0
        for axis in 0..<rank where shape.dimensions[axis] != 1 {
            guard strides[axis] > 0 else { return false }
            var place = count
            while place > 0, strides[order[place - 1]] > strides[axis] {
                order[place] = order[place - 1]
                place -= 1
            }
            order[place] = axis
            count += 1
        }
        var expected = 1
        for place in 0..<count {
            guard strides[order[place]] == expected else { return false }
            expected &*= shape.dimensions[order[place]]
        }
        return true
    }
}

extension Layout {
    /// The axes in another order: axis `i` of the result is axis `order[i]` of this one.
    package func permuted(_ order: AxisValues) -> Layout {
        let (shape, strides) = (shape, strides)
        var dimensions = AxisValues(repeating: 1)
        var permuted = AxisValues(repeating: 0)
        for axis in 0..<rank {
            dimensions[axis] = shape.dimensions[order[axis]]
            permuted[axis] = strides[order[axis]]
        }
        return Layout(shape: Shape(unchecked: dimensions, rank: rank), strides: permuted)
    }

    /// Every element of this layout repeated along the axes that `target` has and this one lacks: those get stride 0.
    /// The shape must broadcast to `target`, aligned at the last axis.
    package func broadcast(to target: Shape) -> Layout {
        Layout(shape: target, strides: strides(broadcastTo: target))
    }

    /// The strides of ``broadcast(to:)``.
    func strides(broadcastTo target: Shape) -> AxisValues {
        let (shape, strides) = (shape, strides)
        if shape == target { return strides }
        var broadcast = AxisValues(repeating: 0)
        let added = target.rank - rank
        for axis in 0..<rank where shape.dimensions[axis] == target.dimensions[axis + added] {
            broadcast[axis + added] = strides[axis]
        }
        return broadcast
    }

    /// The layout that shows the same elements, in row-major order, with another shape of as many elements; nil when
    /// no strides can say that, and the elements must be copied first.
    package func reshaped(to target: Shape) -> Layout? {
        if isContiguous { return Layout(contiguous: target) }
        let shape = shape
        var reshaped = AxisValues(repeating: 0)
        var old = 0
        var new = 0
        // Walk both shapes from the front in groups with equal products; each old group must be one run of strides.
        while old < rank || new < target.rank {
            var oldProduct = old < rank ? shape.dimensions[old] : 1
            var newProduct = new < target.rank ? target.dimensions[new] : 1
            var oldEnd = Swift.min(old + 1, rank)
            var newEnd = Swift.min(new + 1, target.rank)
            while oldProduct != newProduct {
                if oldProduct < newProduct {
                    oldProduct &*= shape.dimensions[oldEnd]
                    oldEnd += 1
                } else {
                    newProduct &*= target.dimensions[newEnd]
                    newEnd += 1
                }
            }
            guard var stride = stride(ofMergedAxes: old..<oldEnd) else { return nil }
            for axis in (new..<newEnd).reversed() {
                reshaped[axis] = stride
                stride &*= target.dimensions[axis]
            }
            old = oldEnd
            new = newEnd
        }
        return Layout(shape: target, strides: reshaped)
    }

    /// The stride of the axis that results when these neighbours are merged, or nil when they do not join.
    func stride(ofMergedAxes axes: Range<Int>) -> Int? {
        let (shape, strides) = (shape, strides)
        var merged: Int?
        var expected = 0
        for axis in axes.reversed() where shape.dimensions[axis] != 1 {
            if merged == nil {
                merged = strides[axis]
            } else if strides[axis] != expected {
                return nil
            }
            expected = strides[axis] &* shape.dimensions[axis]
        }
        return merged ?? 1
    }
}
