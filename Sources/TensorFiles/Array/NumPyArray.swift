public import Tensor

/// Reads and writes npy files, NumPy's format for one array.
///
/// ```swift
/// try NumPyArray.write(weights, to: "weights.npy")    // numpy.load("weights.npy")
/// let restored = try NumPyArray.read("weights.npy")
/// ```
///
/// The format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a magic number, a version, a
/// dictionary in Python's literal syntax with the element type, the order and the shape, and the elements. Versions 1, 2
/// and 3 are read, in both orders of elements and of bytes; version 1, row-major, little-endian is written. All thirteen
/// element types have a counterpart; bfloat16 is `<V2`, two bytes without a meaning, as the package `ml_dtypes` writes it
/// (NumPy alone reads it as `|V2`; `array.view(ml_dtypes.bfloat16)` gives it its meaning).
///
/// The dictionary is parsed and never evaluated. Structured types, strings, Python objects and complex numbers are
/// refused by name.
public enum NumPyArray {
    /// The array in a file.
    ///
    /// The file is mapped into memory and not copied where elements are little-endian and begin at a multiple of their
    /// width, as all do that NumPy wrote: see `Safetensors.read(_:)` for what that means. An array in
    /// column-major order is a transposed view of the mapping.
    ///
    /// - Throws: `TensorError.Code.fileUnreadable`, `TensorError.Code.fileMalformed`,
    ///   `TensorError.Code.dtypeUnsupported`.
    public static func read(_ path: String) throws(TensorError) -> AnyTensor {
        let mapping = try FileMapping(path)
        // Safe: the mapping keeps the bytes, and is what the tensor retains.
        do throws(TensorError) {
            return unsafe try tensor(in: mapping.bytes, owner: mapping)
        } catch {
            throw error.found(in: path)
        }
    }

    /// The array in `bytes`, which are a whole file.
    ///
    /// - Parameter source: What error messages call the bytes.
    /// - Throws: as ``read(_:)``.
    public static func decode(_ bytes: [UInt8], source: String = "bytes") throws(TensorError) -> AnyTensor {
        do throws(TensorError) {
            return try bytes.withRawBytes { bytes throws(TensorError) in
                // Safe: without an owner, the elements are copied before the closure returns.
                unsafe try tensor(in: bytes, owner: nil)
            }
        } catch {
            throw error.found(in: source)
        }
    }

    /// Writes a tensor to a file, in place of the one that is there, if any; a reader sees the old file or the new one.
    ///
    /// - Throws: `TensorError.Code.fileUnwritable`, `TensorError.Code.valuesUnknown` for an abstract
    ///   tensor.
    public static func write(_ tensor: AnyTensor, to path: String) throws(TensorError) {
        try requireValues(tensor)
        let sink = try FileSink(path)
        try write(tensor, to: sink)
        try sink.commit()
    }

    /// The bytes of a file that holds the tensor.
    ///
    /// - Throws: as ``write(_:to:)``.
    public static func encode(_ tensor: AnyTensor) throws(TensorError) -> [UInt8] {
        try requireValues(tensor)
        let sink = ArraySink()
        try write(tensor, to: sink)
        return sink.bytes
    }

    private static func requireValues(_ tensor: AnyTensor) throws(TensorError) {
        guard !tensor.isAbstract else {
            throw TensorError(.valuesUnknown, "an abstract tensor has no values to write")
        }
    }

    private static func write(_ tensor: AnyTensor, to sink: some ByteSink) throws(TensorError) {
        try sink.append(NumPyHead.encode(shape: tensor.shape, dtype: tensor.dtype))
        try tensor.forEachPiece { bytes throws(TensorError) in unsafe try sink.append(bytes) }
    }

    /// The array in a file's bytes: a view of them that retains `owner`, or a copy when there is none.
    static func tensor(
        in bytes: UnsafeRawBufferPointer, owner: (any Sendable & AnyObject)?
    ) throws(TensorError) -> AnyTensor {
        let head = unsafe try NumPyHead(bytes)
        try head.checkElements(byteCount: bytes.count - head.byteCount)
        return unsafe try head.tensor(UnsafeRawBufferPointer(rebasing: bytes[head.byteCount...]), owner: owner)
    }
}

extension NumPyHead {
    /// Throws unless as many bytes follow the head as its elements take.
    func checkElements(byteCount: Int) throws(TensorError) {
        guard byteCount == elementByteCount else {
            throw TensorError(
                .fileMalformed,
                "\(element.dtype)\(shape) takes \(elementByteCount) bytes; \(byteCount) follow the head")
        }
    }

    /// The tensor whose elements lie in `elements` as the head says.
    fileprivate func tensor(
        _ elements: UnsafeRawBufferPointer, owner: (any Sendable & AnyObject)?
    ) throws(TensorError) -> AnyTensor {
        let dtype = element.dtype
        if element.isBigEndian {
            return unsafe try decoded { destination throws(TensorError) in unsafe destination.copyMemory(from: elements)
            }
        }
        let stored =
            if let owner {
                unsafe try AnyTensor.adopting(elements, owner: owner, shape: storedShape, dtype: dtype)
            } else {
                unsafe try AnyTensor(copying: elements, shape: storedShape, dtype: dtype)
            }
        return isFortranOrder ? try stored.transposed() : stored
    }

    /// The tensor whose elements `fill` writes as they lie in the file.
    func decoded(
        _ fill: (UnsafeMutableRawBufferPointer) throws(TensorError) -> Void
    ) throws(TensorError) -> AnyTensor {
        let stored = try AnyTensor.filling(storedShape, dtype: element.dtype) { bytes throws(TensorError) in
            unsafe try fill(bytes)
            if element.isBigEndian { unsafe swapBytes(bytes, width: element.dtype.byteWidth) }
        }
        return isFortranOrder ? try stored.transposed() : stored
    }

    /// The shape in which the elements are row-major.
    private var storedShape: Shape {
        get throws(TensorError) { isFortranOrder ? try Shape(shape.reversed()) : shape }
    }
}
