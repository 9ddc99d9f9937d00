import Tensor

/// Casts, and the type of a result whose operands differ in theirs.
let numPyTypes: [String: GoldenOperation] = [
    "cast": { golden in
        let name = golden.text("dtype") ?? ""
        guard let dtype = DType.allCases.first(where: { "\($0)" == name }) else { throw OutsideScope(name) }
        return [try golden.input(0).cast(to: dtype)]
    },
    "promote": { golden in
        do {
            return [try golden.input(0) + golden.input(1)]
        } catch let error as TensorError where error.code == .dtypeMismatch {
            throw OutsideScope("two tensors have one type; a cast is spelt out")
        }
    },
    "add_number": { golden in try golden.withNumber { [try $0 + $1] } },
    "number_subtract": { golden in try golden.withNumber { [try $1 - $0] } },
    "multiply_number": { golden in try golden.withNumber { [try $0 * $1] } },
    "divide_number": { golden in try golden.withNumber { [try $0 / $1] } },
    "less_number": { golden in try golden.withNumber { [try $0 .< $1] } },
]

extension GoldenCase {
    /// What a tensor and a number give. The number takes the tensor's type, where NumPy takes a wider one for both.
    fileprivate func withNumber(_ operation: (AnyTensor, Double) throws -> [AnyTensor]) throws -> [AnyTensor] {
        let (tensor, number) = (try input(0), number("number") ?? .nan)
        guard isTrue("widens") else { return try operation(tensor, number) }
        do {
            return try operation(tensor, number)
        } catch let error as TensorError where error.code == .valueOutOfRange || error.code == .dtypeMismatch {
            throw OutsideScope("a number takes the tensor's type, which does not become wider")
        }
    }
}
