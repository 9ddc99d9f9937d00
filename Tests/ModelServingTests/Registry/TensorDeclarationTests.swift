import ModelServing
import Testing

struct TensorDeclarationTests {
    @Test("a signature that cannot be served is refused with every problem")
    func problems() throws {
        let signature = ModelSignature(
            inputs: [
                TensorDeclaration("a", shape: [-1, 0]), TensorDeclaration("a", shape: [3, -1]),
                TensorDeclaration("", shape: [1]), TensorDeclaration("r", shape: Array(repeating: 1, count: 9)),
            ],
            outputs: [], maximumBatch: 0)
        let error = #expect(throws: ServingError.self) {
            try ModelRegistry().add("m", version: 1, signature: signature) { $0 }
        }
        #expect(error?.code == .invalidDeclaration)
        for part in [
            "model 'm'", "maximumBatch", "input 'a': in [-1, 0]", "input 'a' is declared twice", "a name has",
            "input 'r'", "1 to 64 outputs, found 0",
        ] {
            #expect(error?.message.contains(part) == true, "\(part): \(error?.message ?? "")")
        }
    }
}
