import Tensor
import Testing

@Suite("Resizing")
struct ResizeTests {
    private let signal = Tensor<Float>([1, 2, 4, 8, 16], shape: [1, 1, 5])
    private let image = Tensor<Float>([1, 2, 4, 8, 16, 3], shape: [1, 1, 2, 3])

    private func expectNear(_ found: Tensor<Float>, _ expected: [Float]) {
        #expect(found.elementCount == expected.count)
        for (one, other) in zip(found.scalars, expected) {
            #expect(abs(one - other) <= 1e-5 * max(abs(other), 1), "\(found.scalars)")
        }
    }

    @Test("lines between places are PyTorch's, longer and shorter, by every kind of coordinates")
    func lines() {
        expectNear(signal.resized(to: [7]), [1, 1.571429, 2.571429, 4, 6.857143, 11.428572, 16])
        expectNear(signal.resized(to: [9], coordinates: .alignedCorners), [1, 1.5, 2, 3, 4, 6, 8, 12, 16])
        expectNear(signal.resized(to: [3]), [1.333333, 4, 13.333332])
        expectNear(signal.resized(to: [1], coordinates: .alignedCorners), [1])
        expectNear(signal.resized(to: [10], coordinates: .asymmetric), [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 16])
        expectNear(
            image.resized(to: [3, 5]),
            [1, 1.4, 2, 3.2, 4, 4.5, 6.3, 9, 5.7, 3.5, 8, 11.2, 16, 8.2, 3])
        expectNear(
            signal.resized(to: [7], scales: [1.5]), [1, 1.5, 2.333333, 3.666667, 6, 9.333334, 14.666668])
    }

    @Test("the nearest places are PyTorch's, and elements of any type")
    func nearest() throws {
        let first = signal.resized(to: [7], by: .nearest(.floor), coordinates: .asymmetric)
        #expect(first.scalars == [1, 1, 2, 4, 4, 8, 16])
        #expect(signal.resized(to: [7], by: .nearest(.closestOrSecond)).scalars == [1, 2, 2, 4, 8, 8, 16])
        #expect(signal.resized(to: [2], by: .nearest(.closestOrSecond)).scalars == [2, 8])
        // Both of these places lie in the middle between two.
        let pairs = Tensor<Int32>([1, 2, 3, 4], shape: [1, 1, 4])
        #expect(pairs.resized(to: [2], by: .nearest(.closestOrFirst)).scalars == [1, 3])
        #expect(pairs.resized(to: [2], by: .nearest(.closestOrSecond)).scalars == [2, 4])
        #expect(pairs.resized(to: [2], by: .nearest(.ceiling)).scalars == [2, 4])
        let flags = try AnyTensor([true, false], shape: [1, 1, 2])
        let doubled = try flags.resized(to: [4], by: .nearest(.closestOrFirst))
        #expect(try doubled.scalars(as: Bool.self) == [true, true, false, false])
    }

    @Test("cubic curves are PyTorch's, beyond the border too")
    func curves() {
        expectNear(
            image.resized(to: [3, 5], by: .cubic),
            [
                0.354695, 0.306848, 0.784722, 2.833848, 4.403807, 4.068001, 6.642, 9, 5.958, 2.972001, 7.781307,
                12.977152, 17.215277, 9.082151, 1.540196,
            ])
        expectNear(
            image.resized(to: [3, 2], by: .cubic, coordinates: .alignedCorners), [1, 4, 4.5, 3.5, 8, 3])
    }

    @Test("layouts and types agree, and a length that stays is left alone")
    func layouts() throws {
        let last = image.transposed([0, 2, 3, 1]).resized(to: [3, 5], layout: .channelsLast)
        #expect(last.shape == [1, 3, 5, 1])
        #expect(last.scalars == image.resized(to: [3, 5]).scalars)
        #expect(image.resized(to: [2, 3]).scalars == image.scalars)
        #expect(Tensor<Float16>([1, 2], shape: [1, 1, 2]).resized(to: [4]).scalars == [1, 1.25, 1.75, 2])
        #expect(Tensor<Double>([1, 2], shape: [1, 1, 2]).resized(to: [4]).scalars == [1, 1.25, 1.75, 2])
        #expect(signal.resized(to: [0]).shape == [1, 1, 0])
    }

    @Test("blocks of places become channels and come back")
    func blocks() {
        let channels = Tensor<Float>((0..<24).map { Float($0) }, shape: [1, 8, 1, 3])
        let spread = channels.pixelShuffled(by: 2)
        #expect(spread.shape == [1, 2, 2, 6])
        #expect(spread.scalars[..<6].elementsEqual([0, 3, 1, 4, 2, 5]))
        #expect(spread.scalars[6..<12].elementsEqual([6, 9, 7, 10, 8, 11]))
        #expect(spread.pixelUnshuffled(by: 2).scalars == channels.scalars)
        let last = channels.transposed([0, 2, 3, 1]).pixelShuffled(by: 2, layout: .channelsLast)
        #expect(last.transposed([0, 3, 1, 2]).scalars == spread.scalars)
        #expect(
            last.pixelUnshuffled(by: 2, layout: .channelsLast).transposed([0, 3, 1, 2]).scalars == channels.scalars)
        let volume = Tensor<Float>((0..<16).map { Float($0) }, shape: [1, 8, 1, 1, 2]).pixelShuffled(by: 2)
        #expect(volume.shape == [1, 1, 2, 2, 4])
        #expect(volume.scalars[..<4].elementsEqual([0, 2, 1, 3]))
    }

    @Test("what does not fit throws with the shapes")
    func mistakes() throws {
        let x = try AnyTensor.zeros([1, 2, 4, 4])
        expectError(.shapeMismatch, mentioning: "resized", "[3]", "[1, 2, 4, 4]") { _ = try x.resized(to: [3]) }
        expectError(.shapeMismatch, mentioning: "lengths [3, -1]") { _ = try x.resized(to: [3, -1]) }
        expectError(.shapeMismatch, mentioning: "scales [0.0, 1.0]") { _ = try x.resized(to: [3, 3], scales: [0, 1]) }
        expectError(.shapeMismatch, mentioning: "scales [2.0]") { _ = try x.resized(to: [3, 3], scales: [2]) }
        expectError(.shapeMismatch, mentioning: "no places") {
            _ = try AnyTensor.zeros([1, 1, 0]).resized(to: [2])
        }
        expectError(.dtypeMismatch, mentioning: "resized", "int32", "floats") {
            _ = try AnyTensor.zeros([1, 1, 2], dtype: .int32).resized(to: [4])
        }
        expectError(.shapeMismatch, mentioning: "pixelShuffled", "2 channels") { _ = try x.pixelShuffled(by: 2) }
        expectError(.shapeMismatch, mentioning: "pixelShuffled") { _ = try x.pixelShuffled(by: 0) }
        expectError(.shapeMismatch, mentioning: "pixelUnshuffled", "blocks of 3") { _ = try x.pixelUnshuffled(by: 3) }
        expectError(.shapeMismatch, mentioning: "pixelUnshuffled") { _ = try x.pixelUnshuffled(by: .max) }
    }
}
