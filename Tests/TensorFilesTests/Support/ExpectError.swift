import Tensor
import Testing

/// Expects the `TensorError` of a code, and that its text holds each of `fragments`.
func expectError(
    _ code: TensorError.Code, mentioning fragments: String..., from body: () throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let error = #expect(throws: TensorError.self, sourceLocation: sourceLocation) { try body() }
    guard let error else { return }
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    for fragment in fragments {
        #expect(error.description.contains(fragment), "\(error)", sourceLocation: sourceLocation)
    }
}

/// Expects two tensors of one type, shape and bits.
func expectSame(
    _ found: AnyTensor, _ expected: AnyTensor, _ name: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.dtype == expected.dtype && found.shape == expected.shape, "\(name)", sourceLocation: sourceLocation)
    let bytes = expected.withBytes { bytes in unsafe Array(bytes) }
    #expect(found.withBytes { found in unsafe Array(found) } == bytes, "\(name)", sourceLocation: sourceLocation)
}

/// Expects the same names, in order, with the same tensors.
func expectSame(
    _ found: NamedTensors, _ expected: NamedTensors, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(found.names == expected.names, sourceLocation: sourceLocation)
    for (name, tensor) in expected {
        expectSame(try found.tensor(named: name), tensor, name, sourceLocation: sourceLocation)
    }
}
