import Tensor
import TensorFiles

/// Files of tensors: npy and npz. What is read is bounded by the bytes that it came from.
enum TensorArrays {
    /// No deflated byte becomes more (RFC 1951, 3.2.5).
    private static let mostOfOneByte = 1_032

    static func array(_ bytes: [UInt8]) {
        guard let tensor = try? NumPyArray.decode(bytes, source: "fuzzer") else { return }
        precondition(tensor.byteCount <= bytes.count)
        // What was read is written, and read again as the same.
        guard let again = try? NumPyArray.encode(tensor), let same = try? NumPyArray.decode(again) else {
            preconditionFailure("what was read cannot be written")
        }
        precondition(same.shape == tensor.shape && same.dtype == tensor.dtype && elements(same) == elements(tensor))
    }

    static func archive(_ bytes: [UInt8]) {
        guard let tensors = try? NumPyArchive.decode(bytes, source: "fuzzer", unknownMembers: .skipped) else { return }
        precondition(tensors.byteCount <= bytes.count * mostOfOneByte)
        _ = try? NumPyArchive.decode(bytes, source: "fuzzer", inflatedLimit: 64)
    }

    private static func elements(_ tensor: AnyTensor) -> [UInt8] {
        tensor.withBytes { bytes in unsafe Array(bytes) }
    }

    static func arraySeeds() -> [[UInt8]] {
        let written = samples.compactMap { _, tensor in try? NumPyArray.encode(tensor) }
        let literals = [
            "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), }",
            "{'shape':[1],\"descr\":'|u1','fortran_order':False}",
            "{'descr': [('a', '<f4'), ('b', '<i8', (2,))], 'fortran_order': False, 'shape': (1L,)}",
        ]
        let foreign = zip(literals, 1...).map { literal, version -> [UInt8] in
            let length: [UInt8] = [UInt8(literal.utf8.count), 0] + [UInt8](repeating: 0, count: version == 1 ? 0 : 2)
            let head: [UInt8] = [0x93] + Array("NUMPY".utf8) + [UInt8(version), 0] + length + Array(literal.utf8)
            return head + [UInt8](repeating: 1, count: version == 1 ? 8 : 1)
        }
        return written + foreign
    }

    /// Stored and deflated, and with 64-bit sizes.
    static func archiveSeeds() -> [[UInt8]] {
        guard let tensors = try? NamedTensors(samples) else { return [] }
        return [
            try? NumPyArchive.encode(tensors), try? NumPyArchive.encode(tensors, compression: .deflated),
            try? NumPyArchive.encode(tensors, compression: .deflated, wideFrom: 0),
        ].compactMap { $0 }
    }

    private static var samples: [(String, AnyTensor)] {
        let tensors: [(String, AnyTensor?)] = [
            ("x", try? AnyTensor([1, 2, 3] as [Float], shape: [3])), ("", try? .scalar(true)),
            ("é", try? .zeros([0, 4], dtype: .bfloat16)), ("long", try? .zeros([20, 10], dtype: .float64)),
        ]
        return tensors.compactMap { name, tensor in tensor.map { (name, $0) } }
    }
}
