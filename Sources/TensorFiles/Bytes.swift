import Tensor

// Numbers as both formats have them: little-endian, unaligned.

extension UnsafeRawBufferPointer {
    /// The number at a place that the caller has checked; traps beyond the end.
    func littleEndian<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at place: Int) -> Value {
        precondition(place >= 0 && place <= count - MemoryLayout<Value>.size)
        // Safe: within the bytes by the line above; the load needs no alignment.
        return unsafe Value(littleEndian: loadUnaligned(fromByteOffset: place, as: Value.self))
    }
}

extension Array<UInt8> {
    /// Appends a number, little-endian.
    mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
        for byte in 0..<Value.bitWidth / 8 { append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }

    /// Calls `body` with the bytes.
    @safe func withRawBytes<R>(_ body: (UnsafeRawBufferPointer) throws(TensorError) -> R) throws(TensorError) -> R {
        let result = unsafe withUnsafeBytes { bytes in
            Result { () throws(TensorError) in unsafe try body(bytes) }
        }
        return try result.get()
    }
}

/// Turns the bytes of each element around, where they lie. Their number is a multiple of `width`.
func swapBytes(_ bytes: UnsafeMutableRawBufferPointer, width: Int) {
    func swap<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) {
        for place in stride(from: 0, to: bytes.count, by: MemoryLayout<Value>.size) {
            // Safe: whole elements lie within the bytes; neither call needs them aligned.
            let value = unsafe bytes.loadUnaligned(fromByteOffset: place, as: Value.self)
            unsafe bytes.storeBytes(of: value.byteSwapped, toByteOffset: place, as: Value.self)
        }
    }
    switch width {
    case 2: swap(UInt16.self)
    case 4: swap(UInt32.self)
    case 8: swap(UInt64.self)
    default: break
    }
}

/// Where a file's bytes go, one piece after the other.
protocol ByteSink: AnyObject {
    /// How many bytes were appended.
    var byteCount: Int { get }
    func append(_ bytes: UnsafeRawBufferPointer) throws(TensorError)
    /// Writes over bytes that were appended before.
    func overwrite(_ bytes: [UInt8], at offset: Int) throws(TensorError)
}

extension ByteSink {
    func append(_ bytes: [UInt8]) throws(TensorError) {
        try bytes.withRawBytes { bytes throws(TensorError) in unsafe try append(bytes) }
    }
}

/// Bytes that become a file, in place of the one that is there.
final class FileSink: ByteSink {
    private let file: ReplacementFile
    private(set) var byteCount = 0

    init(_ path: String) throws(TensorError) {
        file = try ReplacementFile(for: path)
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(TensorError) {
        unsafe try file.append(bytes)
        byteCount += bytes.count
    }

    func overwrite(_ bytes: [UInt8], at offset: Int) throws(TensorError) {
        try file.overwrite(bytes, at: offset)
    }

    func commit() throws(TensorError) {
        try file.commit()
    }
}

/// Bytes that stay in memory.
final class ArraySink: ByteSink {
    private(set) var bytes: [UInt8] = []
    var byteCount: Int { bytes.count }

    func append(_ bytes: UnsafeRawBufferPointer) throws(TensorError) {
        unsafe self.bytes.append(contentsOf: bytes)
    }

    func overwrite(_ bytes: [UInt8], at offset: Int) throws(TensorError) {
        self.bytes.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
}

extension TensorError {
    /// The error, with the name of what was read. A bool that is neither 0 nor 1 is the file's mistake.
    func found(in source: String) -> TensorError {
        TensorError(code == .dtypeMismatch ? .fileMalformed : code, "\(source): \(message)", cause: cause)
    }
}
