public import Tensor

/// Reads and writes npz files, NumPy's format for several arrays: a zip file whose members are npy files.
///
/// ```swift
/// try NumPyArchive.write(parameters, to: "digits.npz", compression: .deflated)   // numpy.load("digits.npz")
/// let restored = try NumPyArchive.read("digits.npz")
/// ```
///
/// A member `hidden/weight.npy` is the tensor `hidden/weight`. Names are only ever keys: no file is made by one, so that
/// `../weight` or `/etc/passwd` are names like others. Members are stored or deflated; both with sizes of 32 or 64 bits
/// (zip64), and with or without descriptors behind the data. Checksums (CRC-32) are checked.
///
/// Nothing is taken on trust. Before anything is set aside for a member, its declared size is checked against its bytes in
/// the file and against the shape in its head, and decompression stops where that size ends: a file becomes at most 1,032
/// times as large as it is, and no larger than the shapes in it say.
public enum NumPyArchive {
    /// What to do with members that are not npy files, by their names.
    public enum UnknownMembers: Sendable {
        /// Throw an error that names the member.
        case refused
        /// Leave them alone.
        case skipped
    }

    /// How members are kept.
    public enum Compression: Sendable {
        /// As they are, each at a multiple of 64 bytes, so that a reader can use it where it lies.
        case stored
        /// Smaller, by zlib's default level.
        case deflated
    }

    /// The arrays in a file, in the order of its directory.
    ///
    /// The file is mapped into memory. A stored array is not copied where its elements are little-endian and lie aligned,
    /// as ``write(_:to:compression:)`` puts them (NumPy leaves alignment to chance): see
    /// `Safetensors.read(_:)` for what a mapping means. Every byte is read once, for the checksums.
    ///
    /// - Parameters:
    ///   - unknownMembers: What to do with a member whose name does not end in `.npy`.
    ///   - inflatedLimit: How many bytes the deflated members may become, all together. By default what the shapes say.
    /// - Throws: `TensorError.Code.fileUnreadable`, `TensorError.Code.fileMalformed`,
    ///   `TensorError.Code.dtypeUnsupported`, `TensorError.Code.fileTooLarge` for the limit,
    ///   `TensorError.Code.outOfMemory`.
    public static func read(
        _ path: String, unknownMembers: UnknownMembers = .refused, inflatedLimit: Int = .max
    ) throws(TensorError) -> NamedTensors {
        let mapping = try FileMapping(path)
        // Safe: the mapping keeps the bytes, and is what the tensors retain.
        return unsafe try tensors(
            in: mapping.bytes, owner: mapping, source: path, unknownMembers: unknownMembers,
            inflatedLimit: inflatedLimit)
    }

    /// The arrays in `bytes`, which are a whole file.
    ///
    /// - Parameter source: What error messages call the bytes.
    /// - Throws: as ``read(_:unknownMembers:inflatedLimit:)``.
    public static func decode(
        _ bytes: [UInt8], source: String = "bytes", unknownMembers: UnknownMembers = .refused,
        inflatedLimit: Int = .max
    ) throws(TensorError) -> NamedTensors {
        try bytes.withRawBytes { bytes throws(TensorError) in
            // Safe: without an owner, the elements are copied before the closure returns.
            unsafe try tensors(
                in: bytes, owner: nil, source: source, unknownMembers: unknownMembers, inflatedLimit: inflatedLimit)
        }
    }

    /// The arrays in a file's bytes: views of them that retain `owner`, or copies when there is none.
    private static func tensors(
        in bytes: UnsafeRawBufferPointer, owner: (any Sendable & AnyObject)?, source: String,
        unknownMembers: UnknownMembers, inflatedLimit: Int
    ) throws(TensorError) -> NamedTensors {
        var inflated = 0
        var tensors = NamedTensors()
        do throws(TensorError) {
            for member in unsafe try ZipDirectory(of: bytes).members {
                // By scalars: a character may join the suffix to what is before it.
                guard member.name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) else {
                    if unknownMembers == .skipped { continue }
                    throw TensorError(
                        .fileMalformed,
                        "member \"\(member.name)\" is no array; unknown members can be skipped by choice")
                }
                if member.method == .deflated {
                    // Nothing overflows: what is inflated stays within the limit.
                    guard member.byteCount <= inflatedLimit - inflated else {
                        throw TensorError(
                            .fileTooLarge,
                            "member \"\(member.name)\" of \(member.byteCount) bytes, after \(inflated) of other members, "
                                + "passes the limit of \(inflatedLimit)")
                    }
                    inflated += member.byteCount
                }
                do throws(TensorError) {
                    tensors[String(member.name.unicodeScalars.dropLast(suffix.utf8.count))] = unsafe try member.tensor(
                        in: UnsafeRawBufferPointer(rebasing: bytes[member.place]), owner: owner)
                } catch {
                    throw error.found(in: "member \"\(member.name)\"")
                }
            }
        } catch {
            throw error.found(in: source)
        }
        return tensors
    }

    /// What the names of arrays end in.
    static let suffix = ".npy"
}

extension ZipMember {
    /// The array that the member is; `bytes` are its own, as they lie in the file.
    fileprivate func tensor(
        in bytes: UnsafeRawBufferPointer, owner: (any Sendable & AnyObject)?
    ) throws(TensorError) -> AnyTensor {
        switch method {
        case .stored:
            guard unsafe zlibChecksum(0, bytes) == checksum else { throw wrongChecksum() }
            return unsafe try NumPyArray.tensor(in: bytes, owner: owner)
        case .deflated:
            return unsafe try inflatedTensor(bytes)
        }
    }

    private func inflatedTensor(_ bytes: UnsafeRawBufferPointer) throws(TensorError) -> AnyTensor {
        let inflation = unsafe try Inflation(of: bytes)
        guard byteCount >= NumPyHead.prefixByteCount else {
            throw TensorError(.fileMalformed, "\(byteCount) bytes are too few for an array")
        }
        var head = try inflation.read(count: NumPyHead.prefixByteCount)
        let headByteCount = try head.withRawBytes { prefix throws(TensorError) in
            unsafe try NumPyHead.byteCount(of: prefix)
        }
        guard headByteCount >= head.count, headByteCount <= byteCount else {
            throw TensorError(.fileMalformed, "the head ends at byte \(headByteCount), the member at \(byteCount)")
        }
        head += try inflation.read(count: headByteCount - head.count)
        let parsed = try head.withRawBytes { head throws(TensorError) in unsafe try NumPyHead(head) }
        try parsed.checkElements(byteCount: byteCount - headByteCount)
        // Only now, with the shape's bytes and the declared ones the same, is memory set aside.
        let tensor = unsafe try parsed.decoded { destination throws(TensorError) in
            unsafe try inflation.read(into: destination)
        }
        try inflation.finish()
        guard inflation.checksum == checksum else { throw wrongChecksum() }
        return tensor
    }

    private func wrongChecksum() -> TensorError {
        TensorError(.fileMalformed, "its bytes do not have the checksum that the directory says")
    }
}

extension Inflation {
    /// The next `count` bytes.
    fileprivate func read(count: Int) throws(TensorError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = unsafe bytes.withUnsafeMutableBytes { bytes in
            Result { () throws(TensorError) in unsafe try read(into: bytes) }
        }
        try result.get()
        return bytes
    }
}
