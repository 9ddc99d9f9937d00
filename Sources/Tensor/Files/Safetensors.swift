/// Reads and writes safetensors files, the format in which models are exchanged with other frameworks.
///
/// ```swift
/// try Safetensors.write(parameters, metadata: ["epoch": "12"], to: "digits.safetensors")
/// let restored = try Safetensors.read("digits.safetensors")
/// ```
///
/// The format (https://github.com/huggingface/safetensors, "Format"): the length of the header in bytes as a
/// little-endian 64-bit number, the header as JSON, and the elements, little-endian and row-major, without a gap. All
/// thirteen element types of ``DType`` are read and written; the format's others (8-bit and narrower floats, complex
/// numbers) are refused by name. Nothing is taken on trust: every contradiction in a file throws an error that names
/// the file and what was wrong.
public enum Safetensors {
    /// The tensors in a file, in the order of its header.
    ///
    /// The file is mapped into memory and not copied: elements are read from it when they are first used (bools at
    /// once, as each must be 0 or 1), and the mapping lasts as long as a tensor that shows it, also when the file is
    /// replaced or removed meanwhile. Elements that lie unaligned for their type are copied. A file that another
    /// process shortens while it is mapped ends this process with SIGBUS at the next touch of what is gone;
    /// ``write(_:metadata:to:)`` replaces a file and never shortens one. Where others may shorten a file, read its
    /// bytes and ``decode(_:source:)`` them.
    ///
    /// - Throws: ``TensorError/Code/fileUnreadable``, ``TensorError/Code/fileMalformed``,
    ///   ``TensorError/Code/dtypeUnsupported``.
    public static func read(_ path: String) throws(TensorError) -> NamedTensors {
        let mapping = try FileMapping(path)
        // Safe: the mapping keeps the bytes, and is what the tensors retain.
        return unsafe try tensors(in: mapping.bytes, owner: mapping, source: path)
    }

    /// The strings that a file's header carries under `__metadata__`.
    ///
    /// - Throws: as ``read(_:)``.
    public static func metadata(of path: String) throws(TensorError) -> [String: String] {
        let mapping = try FileMapping(path)
        defer { extendLifetime(mapping) }
        // Safe: the mapping lives until this function returns.
        return unsafe try SafetensorsHeader(in: mapping.bytes, source: path).metadata
    }

    /// The strings that the header of `bytes`, which are a whole file, carries under `__metadata__`.
    ///
    /// - Throws: as ``read(_:)``.
    package static func metadata(in bytes: [UInt8], source: String) throws(TensorError) -> [String: String] {
        let result = unsafe bytes.withUnsafeBytes { bytes in
            // Safe: the header's strings are copies.
            Result { () throws(TensorError) in unsafe try SafetensorsHeader(in: bytes, source: source).metadata }
        }
        return try result.get()
    }

    /// The tensors in `bytes`, which are a whole file.
    ///
    /// - Parameter source: What error messages call the bytes.
    /// - Throws: as ``read(_:)``.
    public static func decode(_ bytes: [UInt8], source: String = "bytes") throws(TensorError) -> NamedTensors {
        let result = unsafe bytes.withUnsafeBytes { bytes in
            // Safe: without an owner, the elements are copied before the closure returns.
            Result { () throws(TensorError) in unsafe try tensors(in: bytes, owner: nil, source: source) }
        }
        return try result.get()
    }

    /// The tensors in a file's bytes: views of them that retain `owner`, or copies when there is none.
    private static func tensors(
        in bytes: UnsafeRawBufferPointer, owner: (any Sendable & AnyObject)?, source: String
    ) throws(TensorError) -> NamedTensors {
        let header = unsafe try SafetensorsHeader(in: bytes, source: source)
        var tensors = NamedTensors()
        for entry in header.entries {
            let range = header.dataStart + entry.offsets.lowerBound..<header.dataStart + entry.offsets.upperBound
            do throws(TensorError) {
                // Safe: the header was checked against the number of bytes.
                let elements = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
                let (shape, dtype) = (entry.type.shape, entry.type.dtype)
                tensors[entry.name] =
                    if let owner {
                        unsafe try AnyTensor.adopting(elements, owner: owner, shape: shape, dtype: dtype)
                    } else {
                        unsafe try AnyTensor(copying: elements, shape: shape, dtype: dtype)
                    }
            } catch {
                throw TensorError(.fileMalformed, "\(source): tensor \"\(entry.name)\"", cause: error)
            }
        }
        return tensors
    }
}
