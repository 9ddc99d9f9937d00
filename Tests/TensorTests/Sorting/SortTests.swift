import Foundation
import Tensor
import Testing

@Suite("Sorting")
struct SortTests {
    /// The order of all of it: NaN last either way, both zeros equal.
    private static func isBefore(_ left: Double, _ right: Double, descending: Bool) -> Bool {
        if left.isNaN || right.isNaN { return !left.isNaN && right.isNaN }
        return descending ? left > right : left < right
    }

    private static func order(_ values: [Double], descending: Bool) -> [Int] {
        values.indices.sorted { left, right in
            if isBefore(values[left], values[right], descending: descending) { return true }
            if isBefore(values[right], values[left], descending: descending) { return false }
            return left < right
        }
    }

    /// Few different values, with NaN, both infinities and both zeros among them.
    private static func specials(_ count: Int, using generator: inout SeededGenerator) -> [Double] {
        (0..<count).map { _ in
            let chosen = [.nan, .infinity, -.infinity, 0.0, -0.0, 1, -1, 2.5, -2.5, 1024]
            return chosen.randomElement(using: &generator)!
        }
    }

    @Test("floats of every width, stable in both directions, NaN last", arguments: [1, 2, 48, 49, 300, 20_000])
    func floats(count: Int) throws {
        var generator = SeededGenerator(seed: 81)
        let values = Self.specials(count, using: &generator)
        func expectOrdered<Scalar: FloatingTensorScalar>(_: Scalar.Type) {
            let tensor = Tensor<Scalar>(values.map { Scalar($0) })
            for descending in [false, true] {
                let order = Self.order(values, descending: descending)
                #expect(
                    tensor.argsort(descending: descending).scalars.map { Int($0) } == order,
                    "\(Scalar.self), descending \(descending), seed 81")
                let sorted = tensor.sorted(descending: descending).scalars
                let agrees = zip(sorted, order).allSatisfy { found, place in
                    let expected = Scalar(values[place])
                    return found == expected || (found != found && expected != expected)
                }
                #expect(agrees, "\(Scalar.self), descending \(descending), seed 81")
            }
        }
        expectOrdered(Float.self)
        expectOrdered(Double.self)
        expectOrdered(Float16.self)
        expectOrdered(BFloat16.self)
    }

    @Test("integers of every width, and bools", arguments: [1, 47, 100, 17_000])
    func integers(count: Int) {
        var generator = SeededGenerator(seed: 82)
        func expectOrdered<Scalar: IntegerTensorScalar>(_: Scalar.Type) {
            var values = (0..<count).map { _ in Scalar(truncatingIfNeeded: generator.next()) }
            values[0] = .min
            values[count - 1] = .max
            let tensor = Tensor(values)
            #expect(tensor.sorted().scalars == values.sorted(), "\(Scalar.self), seed 82")
            #expect(tensor.sorted(descending: true).scalars == values.sorted(by: >), "\(Scalar.self), seed 82")
            let places = tensor.argsort(descending: true).scalars.map { Int($0) }
            #expect(places.map { values[$0] } == values.sorted(by: >), "\(Scalar.self), seed 82")
            let isStable = zip(places, places.dropFirst()).allSatisfy { values[$0] != values[$1] || $0 < $1 }
            #expect(isStable, "\(Scalar.self), seed 82")
        }
        expectOrdered(Int8.self)
        expectOrdered(Int16.self)
        expectOrdered(Int32.self)
        expectOrdered(Int64.self)
        expectOrdered(UInt8.self)
        expectOrdered(UInt16.self)
        expectOrdered(UInt32.self)
        expectOrdered(UInt64.self)
        let bools = Tensor<Bool>([true, false, true])
        #expect(bools.sorted().scalars == [false, true, true])
        #expect(bools.argsort().scalars == [1, 0, 2])
    }

    @Test("along any axis of views", arguments: 0..<3)
    func axes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for shape in [[7], [3, 60], [60, 3], [4, 5, 6]] {
            let view = try RandomView(shape: shape, using: &generator)
            for axis in shape.indices {
                let sorted = try view.tensor.sorted(axis: axis)
                let places = try view.tensor.argsort(axis: axis, descending: true)
                let (values, indices) = try view.tensor.topK(2, axis: axis)
                let third = try view.tensor.kthSmallest(2, axis: axis).scalars(as: Float.self)
                #expect(Array(sorted.shape) == shape && Array(places.shape) == shape)
                let sortedModel = try model(of: sorted)
                let placesModel = try places.scalars(as: Int32.self)
                let topModel = try model(of: values)
                let topShape = shape.enumerated().map { $0 == axis ? 2 : $1 }
                #expect(Array(indices.shape) == topShape)
                var row = 0
                for start in NestedArray<Float>(shape: shape.enumerated().map { $0 == axis ? 1 : $1 }, at: { _ in 0 })
                    .indices
                {
                    func at(_ place: Int) -> [Int] { start.enumerated().map { $0 == axis ? place : $1 } }
                    let line = (0..<shape[axis]).map { view.model.at(at($0)) }
                    #expect(line.indices.map { sortedModel.at(at($0)) } == line.sorted(), "seed \(seed)")
                    let descending = line.indices.map { index -> Float in
                        let flat = zip(at(index), shape).reduce(0) { $0 * $1.1 + $1.0 }
                        return line[Int(placesModel[flat])]
                    }
                    #expect(descending == line.sorted(by: >), "seed \(seed)")
                    #expect((0..<2).map { topModel.at(at($0)) } == Array(line.sorted(by: >).prefix(2)), "seed \(seed)")
                    #expect(third[row] == line.sorted()[2], "seed \(seed)")
                    row += 1
                }
            }
        }
    }

    private func model(of tensor: AnyTensor) throws -> NestedArray<Float> {
        let values = try tensor.scalars(as: Float.self)
        let shape = Array(tensor.shape)
        return NestedArray(shape: shape) { index in values[zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }] }
    }

    @Test("the leading elements are those of a stable sort", arguments: [1, 20, 500, 20_000])
    func leading(count: Int) {
        var generator = SeededGenerator(seed: 83)
        let values = Self.specials(count, using: &generator)
        for leading in [0, 1, count / 3, count] {
            for largest in [false, true] {
                let order = Array(Self.order(values, descending: largest).prefix(leading))
                let single = Tensor<Float>(values.map { Float($0) }).topK(leading, largest: largest)
                let double = Tensor<Double>(values).topK(leading, largest: largest)
                #expect(single.indices.scalars.map { Int($0) } == order, "\(leading) of \(count), seed 83")
                #expect(double.indices.scalars.map { Int($0) } == order, "\(leading) of \(count), seed 83")
                let bits = double.values.scalars.map(\.bitPattern)
                #expect(bits == order.map { values[$0].bitPattern }, "\(leading) of \(count), seed 83")
            }
        }
    }

    @Test("no elements, one element, and no axis")
    func edges() throws {
        #expect(try AnyTensor.zeros([3, 0]).sorted().shape == [3, 0])
        #expect(try AnyTensor.zeros([0, 3]).argsort().shape == [0, 3])
        #expect(try AnyTensor.zeros([0, 3]).topK(2).values.shape == [0, 2])
        #expect(Tensor<Float>([4]).sorted().scalars == [4])
        expectError(.indexOutOfRange, mentioning: "sort", "axis -1") { _ = try AnyTensor.scalar(Float(1)).sorted() }
        expectError(.indexOutOfRange, mentioning: "argsort", "axis 2") {
            _ = try AnyTensor.zeros([1, 2]).argsort(axis: 2)
        }
        expectError(.indexOutOfRange, mentioning: "topK", "4 of the 3") { _ = try AnyTensor.zeros([3]).topK(4) }
        expectError(.indexOutOfRange, mentioning: "topK", "-1 of") { _ = try AnyTensor.zeros([3]).topK(-1) }
        expectError(.indexOutOfRange, mentioning: "kthSmallest", "3 of the 3") {
            _ = try AnyTensor.zeros([3]).kthSmallest(3)
        }
    }
}
