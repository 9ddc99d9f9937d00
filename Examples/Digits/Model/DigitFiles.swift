import NeuralNetwork
import ProcessKit
import Tensor

/// Digits read from IDX files: pixels in 0...1, and what they show.
struct DigitFiles: Sendable {
    /// `[digits, 784]`.
    let images: Tensor<Float>
    /// `[digits]`.
    let labels: Tensor<Int32>

    /// Reads the digits at `range` of the two files.
    ///
    /// - Throws: `NeuralNetworkError` that names the file, or `LaunchError` when they do not hold so many.
    init(imagesPath: String, labelsPath: String, _ range: Range<Int>) throws {
        let images = try IDXFile(path: imagesPath).floats(scale: 1 / 255)
        let labels = try IDXFile(path: labelsPath).integers()
        guard let count = images.shape.first, labels.shape == [count], range.upperBound <= count else {
            throw LaunchError("\(imagesPath) holds \(images.shape) images for \(labels.shape) labels, not \(range)")
        }
        let pixels = images.elementCount / count
        self.images = images.reshaped(to: [count, pixels]).sliced(axis: 0, range)
        self.labels = labels.sliced(axis: 0, range)
    }
}
