import NeuralNetwork
import Tensor

/// The digits that no worker sees.
struct HeldOutDigits: Sendable {
    /// Each digit's pixels, 0 for paper to 255, row by row.
    let images: [[UInt8]]
    /// What the digits are.
    let labels: [Int]
    private let digits: DigitFiles

    /// Reads them from the example's resources.
    static func read() throws -> HeldOutDigits {
        let range = Digits.trainingCount..<(Digits.trainingCount + Digits.heldOutCount)
        return try HeldOutDigits(
            DigitFiles(imagesPath: try Digits.imagesPath(), labelsPath: try Digits.labelsPath(), range))
    }

    private init(_ digits: DigitFiles) {
        self.digits = digits
        let pixels = digits.images.scalars
        let count = pixels.count / Digits.heldOutCount
        images = (0..<Digits.heldOutCount).map { pixels[($0 * count)..<(($0 + 1) * count)].map { UInt8($0 * 255) } }
        labels = digits.labels.scalars.map { Int($0) }
    }

    /// One digit as the model takes it: `[1, 784]`.
    func image(_ index: Int) -> Tensor<Float> { digits.images.sliced(axis: 0, index..<(index + 1)) }

    /// The fraction of them that the model in a safetensors file knows.
    func accuracy(ofModelAt path: String) throws -> Double {
        let parameters = ParameterScope(try Safetensors.read(path))
        return Double(try accuracy(try Perceptron()(digits.images, parameters)))
    }

    private func accuracy(_ logits: Tensor<Float>) throws -> Float {
        try NeuralNetwork.accuracy(logits, digits.labels)
    }
}
