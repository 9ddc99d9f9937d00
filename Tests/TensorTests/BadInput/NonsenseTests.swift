import Tensor
import Testing

@Suite("Nonsense")
struct NonsenseTests {
    @Test("arguments without sense give a sound tensor or a TensorError, and end no program", arguments: 0..<8)
    func nonsense(seed: UInt64) throws {
        for (place, operation) in Operation.all.enumerated() {
            for repetition: UInt64 in 0..<24 {
                let nonsense = Nonsense(seed: (seed * 1_000 + UInt64(place)) * 100 + repetition)
                do {
                    for result in try operation.apply(nonsense) {
                        #expect(result.shape.allSatisfy { $0 >= 0 }, "\(operation.name), seed \(seed).\(repetition)")
                        guard !result.isAbstract, result.elementCount <= 10_000 else { continue }
                        // Reads every element, wherever it lies.
                        _ = try result.cast(to: .float64).scalars(as: Double.self)
                    }
                } catch let error as TensorError {
                    #expect(!error.message.isEmpty, "\(operation.name), seed \(seed).\(repetition)")
                }
            }
        }
    }
}
