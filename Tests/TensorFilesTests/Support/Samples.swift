import Foundation
import Tensor

/// Tensors that a file has to keep.
enum Samples {
    /// One of each element type, with its extreme values.
    static func everyType() throws -> NamedTensors {
        try NamedTensors(
            DType.allCases.map { dtype in
                let width = dtype.byteWidth
                // All bits set, none, and some: NaNs with a payload among the floats.
                let patterns: [UInt64] =
                    dtype == .bool ? [1, 0, 1, 0, 1, 1] : [.max, 0, 1, 1 << 63, 0x7FC1_23F0_5A5A_8001, 9]
                let bytes = patterns.flatMap { pattern in
                    (0..<width).map { UInt8(truncatingIfNeeded: pattern >> (8 * (dtype == .bool ? $0 : 7 - $0))) }
                }
                return ("\(dtype)", try unsafe AnyTensor(copying: bytes.span.bytes, shape: [2, 3], dtype: dtype))
            })
    }

    /// Every type, views that are not contiguous, no elements, no axes, eight axes, and names that are no words.
    static func all() throws -> NamedTensors {
        var tensors = try everyType()
        let counting = try AnyTensor((0..<24).map { Float($0) }, shape: [2, 3, 4])
        tensors["hidden/weight"] = try counting.transposed([2, 0, 1])
        tensors["backwards"] = try counting.sliced(axis: 2, 0..<4, step: -3)
        tensors["repeated"] = try AnyTensor([1, 2, 3] as [Int32], shape: [3, 1]).broadcast(to: [2, 3, 5])
        tensors["none"] = try .zeros([0, 4])
        tensors["scalar"] = try .scalar(Double(-0.0))
        tensors["deep"] = try counting.reshaped(to: [1, 2, 1, 3, 1, 4, 1, 1])
        for name in ["", ".", "../escape", "/absolute", "a b", "é😀", "\u{600}", "x.npy", "quo\"te'\\"] {
            tensors[name] = try .scalar(Float(name.utf8.count))
        }
        return tensors
    }
}

/// Calls `body` with a new folder that is removed afterwards.
func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tensor-files-\(UUID())").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try body(directory)
}

extension AnyTensor {
    /// Where the first element lies.
    var address: Int { withBytes { bytes in Int(bitPattern: bytes.baseAddress) } }
}
