// What the derivative of a scatter that multiplies is made of, from primitives that have derivatives themselves. Nothing is
// divided: it is right where factors are 0. O(n log m) multiplications for places that are named up to m times.

extension AnyTensor {
    /// For each element of a scatter's source the product of the other elements of the source that are sent to the same
    /// one of `length` places along `axis`. 16-bit floats are multiplied in float32.
    func productsOfOthers(
        sentBy indices: AnyTensor, along axis: Int, of length: Int
    ) throws(TensorError) -> AnyTensor {
        let wide = try indices.cast(to: .int64)
        let fromTheBack = try wide + .scalar(Int64(length))
        let places = try AnyTensor.select(wide .< .scalar(Int64(0)), fromTheBack, wide)
        // Side by side, the elements of a place are a run.
        let order = try places.argsort(axis: axis)
        let runs = try places.taking(along: axis, order)
        let factors = try cast(to: dtype.wide).taking(along: axis, order)
        let before = try factors.productsBefore(in: runs, along: axis)
        let after = try factors.flipped(axes: [axis]).productsBefore(in: runs.flipped(axes: [axis]), along: axis)
        let others = try before * after.flipped(axes: [axis])
        return try others.taking(along: axis, order.argsort(axis: axis)).cast(to: dtype)
    }

    /// For each element the product of those before it in its run of equal `runs`: of the last one, two, four, … of them.
    private func productsBefore(in runs: AnyTensor, along axis: Int) throws(TensorError) -> AnyTensor {
        guard var products = try movedOn(by: 1, in: runs, along: axis) else {
            return try .ones(shape, dtype: dtype)
        }
        var step = 1
        while let further = try products.movedOn(by: step, in: runs, along: axis) {
            products = try products * further
            step *= 2
        }
        return products
    }

    /// The element so many places before each one, 1 where that is in another run; nil where it always is.
    private func movedOn(by step: Int, in runs: AnyTensor, along axis: Int) throws(TensorError) -> AnyTensor? {
        let count = shape[axis]
        guard step < count else { return nil }
        let isSame = try runs.sliced(axis: axis, step..<count) .== runs.sliced(axis: axis, 0..<count - step)
        if !isSame.isAbstract, try !isSame.any().scalars(as: Bool.self)[0] { return nil }
        let one = try AnyTensor.scalar(1, dtype: dtype)
        let moved = try AnyTensor.select(isSame, sliced(axis: axis, 0..<count - step), one)
        return try .concatenate([one.broadcast(to: shape.replacing(axis: axis, with: step)), moved], axis: axis)
    }
}
