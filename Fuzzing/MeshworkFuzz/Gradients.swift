import Tensor

@testable import ParameterServer

/// Compressed gradients, as workers send them: the first byte chooses an encoding, the others are the gradient of a part
/// of a table whose first and last row are not whole.
enum Gradients {
    private static let groups = RowGroups(elementCount: 37, width: 8, offset: 3)

    static func decode(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let encoding = GradientEncoding.allCases[Int(first) % GradientEncoding.allCases.count]
        guard let stored = try? AnyTensor(Array(bytes.dropFirst()), shape: [bytes.count - 1]) else { return }
        let gradient = EncodedGradient(encoding, bytes: stored, keys: nil)
        guard let values = try? gradient.decoded(groups) else { return }
        // Of no encoding that is none, whatever its bytes are.
        precondition(encoding == .none || values.elementCount == groups.elementCount)
    }

    static func seeds() -> [[UInt8]] {
        let elements = groups.elementCount
        let sizes: [GradientEncoding: Int] = [
            .none: elements * 4, .bfloat16: elements * 2, .float16: elements * 2, .int8: groups.count * 4 + elements,
            .signs: groups.count * 4 + (elements + 7) / 8,
        ]
        let places: [UInt8] = [1, 0, 0, 0, 36, 0, 0, 0] + Array(repeating: 0x3F, count: 8)
        return GradientEncoding.allCases.enumerated().map { index, encoding in
            [UInt8(index)] + (sizes[encoding].map { Array(repeating: 1, count: $0) } ?? places)
        }
    }
}
