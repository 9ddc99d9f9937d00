import Tensor
import Testing

/// Bad input: what the core throws, the typed face says when it ends the program. Files have no typed face; what they throw
/// is tested beside them.
@Suite("Bad input")
struct TrapTests {
    @Test("the typed face ends the program with the text that the core throws", arguments: Mistake.all.indices)
    func trap(index: Int) async throws {
        let mistake = Mistake.all[index]
        let error = try #require(throws: TensorError.self, "\(mistake.family)") { try mistake.core() }
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [index] in
            Mistake.all[index].typed()
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("Fatal error: \(error.description)"), "\(mistake.family): \(error) and \(text)")
    }
}
