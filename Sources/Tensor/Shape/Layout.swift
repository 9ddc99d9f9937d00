/// Where the elements of a tensor lie, relative to its first one: a shape and a signed stride for each axis, counted in
/// elements. Views (transpose, slice, broadcast, many reshapes) change the layout and leave the bytes alone.
package struct Layout: Sendable {
    package private(set) var shape: Shape
    package private(set) var strides: AxisValues

    package init(shape: Shape, strides: AxisValues) {
        self.shape = shape
        self.strides = strides
    }

    /// Row-major without gaps: the last axis has stride 1.
    package init(contiguous shape: Shape) {
        self.shape = shape
        self.strides = AxisValues(repeating: 0)
        var step = 1
        for axis in (0..<shape.rank).reversed() {
            strides[axis] = step
            step &*= Swift.max(shape.dimensions[axis], 1)
        }
    }

    package var rank: Int { shape.rank }
    package var elementCount: Int { shape.elementCount }

    /// Whether the elements follow each other in row-major order. The strides of axes of length 1 do not matter, and
    /// a tensor without elements is contiguous.
    package var isContiguous: Bool {
        var expected = 1
        for axis in (0..<rank).reversed() {
            let dimension = shape.dimensions[axis]
            if dimension == 1 { continue }
            guard strides[axis] == expected else { return elementCount == 0 }
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
