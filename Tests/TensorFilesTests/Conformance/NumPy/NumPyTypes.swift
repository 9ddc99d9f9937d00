import Tensor

/// Casts, and the type of a result whose operands differ in theirs.
let numPyTypes: [String: GoldenOperation] = [
    "cast": { [try $0.input(0).cast(to: $0.dtype())] },
    "promote": { golden in
        do {
            return [try golden.input(0) + golden.input(1)]
        } catch let error as TensorError where error.code == .dtypeMismatch {
            throw OutsideScope("two tensors have one type; a cast is spelt out")
        }
    },
    "add_number": { try $0.withNumber { (tensor, number) throws(TensorError) in try tensor + number } },
    "number_subtract": { try $0.withNumber { (tensor, number) throws(TensorError) in try number - tensor } },
    "multiply_number": { try $0.withNumber { (tensor, number) throws(TensorError) in try tensor * number } },
    "divide_number": { try $0.withNumber { (tensor, number) throws(TensorError) in try tensor / number } },
    "less_number": { try $0.withNumber { (tensor, number) throws(TensorError) in try tensor .< number } },
]

extension GoldenCase {
    /// What a tensor and a number give. The number takes the tensor's type, or is refused, where NumPy takes a wider type
    /// for both.
    fileprivate func withNumber(
        _ operation: (AnyTensor, Double) throws(TensorError) -> AnyTensor
    ) throws -> [AnyTensor] {
        guard let number = number("number") else { throw Lacking("no number") }
        let tensor = try input(0)
        guard isTrue("widens") else { return [try operation(tensor, number)] }
        do {
            let result = try operation(tensor, number)
            guard result.dtype == tensor.dtype, result.dtype != outputs[0].dtype else { return [result] }
        } catch {
            guard error.code == .valueOutOfRange || error.code == .dtypeMismatch else { throw error }
        }
        throw OutsideScope("a number takes the tensor's type, which does not become wider")
    }
}
