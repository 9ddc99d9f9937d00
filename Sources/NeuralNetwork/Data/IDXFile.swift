public import Tensor

/// An array of bytes in IDX format, the format of the MNIST files: images, or labels.
///
/// The format: two zero bytes, the element type, the number of axes, each axis as a big-endian UInt32, then the
/// elements, row-major (Y. LeCun, C. Cortes, C. Burges, "The MNIST database", file formats). Files are read as they
/// are; decompressing is the caller's.
///
/// ```swift
/// let images = try IDXFile(path: "t10k-images-idx3-ubyte").floats(scale: 1 / 255)     // [10000, 28, 28]
/// let labels = try IDXFile(path: "t10k-labels-idx1-ubyte").integers()                 // [10000]
/// ```
public struct IDXFile: Sendable {
    /// The lengths of the axes.
    public let shape: Shape
    /// The elements, row-major.
    public let elements: ArraySlice<UInt8>

    /// The largest file that is read, in bytes: a bound on what a wrong path can cost.
    public static let maximumSize = 1 << 30

    /// Reads a file.
    ///
    /// - Throws: ``NeuralNetworkError/Code/fileUnreadable``, and as ``init(_:source:)``.
    public init(path: String) throws(NeuralNetworkError) {
        try self.init(readFile(path, maximumSize: Self.maximumSize), source: path)
    }

    /// Reads the bytes of a file.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - source: What error messages call it.
    /// - Throws: ``NeuralNetworkError/Code/fileMalformed`` for a header that is cut short, is not IDX, names an element
    ///   type other than unsigned bytes, or promises more or fewer elements than follow.
    public init(_ bytes: [UInt8], source: String) throws(NeuralNetworkError) {
        func malformed(_ reason: String) -> NeuralNetworkError {
            NeuralNetworkError(.fileMalformed, "\(source): \(reason)")
        }
        guard bytes.count >= 4 else {
            throw malformed("an IDX header has 4 bytes or more, the file has \(bytes.count)")
        }
        guard bytes[0] == 0, bytes[1] == 0 else {
            let hint = bytes[0] == 0x1f && bytes[1] == 0x8b ? " (it is compressed with gzip)" : ""
            throw malformed("not an IDX file: it does not begin with two zero bytes\(hint)")
        }
        guard bytes[2] == 0x08 else {
            throw malformed("the element type is 0x\(String(bytes[2], radix: 16)), only unsigned bytes (0x8) are read")
        }
        let rank = Int(bytes[3])
        let headerSize = 4 + 4 * rank
        guard rank >= 1, rank <= Shape.maximumRank else {
            throw malformed("\(rank) axes, expected 1 to \(Shape.maximumRank)")
        }
        guard bytes.count >= headerSize else {
            throw malformed("a header with \(rank) axes has \(headerSize) bytes, the file has \(bytes.count)")
        }
        let dimensions = (0..<rank).map { axis in
            bytes[(4 + 4 * axis)..<(8 + 4 * axis)].reduce(0) { $0 << 8 | Int($1) }
        }
        let elementCount = bytes.count - headerSize
        guard let shape = try? Shape(dimensions), shape.elementCount == elementCount else {
            throw malformed("the header promises the shape \(dimensions), but \(elementCount) elements follow")
        }
        self.shape = shape
        self.elements = bytes[headerSize...]
    }

    /// The elements as floats, each multiplied by `scale`.
    public func floats(scale: Float = 1) -> Tensor<Float> {
        Tensor(elements.map { Float($0) * scale }, shape: shape)
    }

    /// The elements as integers: labels.
    public func integers() -> Tensor<Int32> {
        Tensor(elements.map { Int32($0) }, shape: shape)
    }
}
