import Tensor
import Testing

@Suite("Einsum")
struct EinsumTests {
    static let expressions: [String] = {
        let names = (try? Goldens.read("einsum.safetensors").names) ?? []
        return names.filter { $0.hasSuffix("/result") }.map { String($0.dropLast("/result".count)) }
    }()

    @Test("the file has its cases")
    func complete() { #expect(Self.expressions.count == 50) }

    @Test("the answers are NumPy's", arguments: expressions)
    func agrees(expression: String) throws {
        let goldens = try Goldens.read("einsum.safetensors")
        var operands: [AnyTensor] = []
        while let operand = goldens["\(expression)/\(operands.count)"] { operands.append(operand) }
        let expected = try goldens.tensor(named: "\(expression)/result")
        let found = try AnyTensor.einsum(expression, operands)
        #expect(found.shape == expected.shape)
        #expect(try found.scalars(as: Float.self) == expected.scalars(as: Float.self))
        // Shapes alone give the same type.
        let abstract = try AnyTensor.einsum(expression, operands.map { .abstract(shape: $0.shape, dtype: .float32) })
        #expect(abstract.isAbstract && abstract.shape == expected.shape)
        let integers = try AnyTensor.einsum(expression, operands.map { try $0.cast(to: .int32) })
        #expect(try integers.cast(to: .float32).scalars(as: Float.self) == expected.scalars(as: Float.self))
    }

    @Test("random expressions over views have the sums of the definition", arguments: 0..<60)
    func random(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let letters = Array("abcdef")
        let lengths = letters.reduce(into: [Character: Int]()) {
            $0[$1] = Int.random(in: 1...3, using: &generator)
        }
        var terms: [[Character]] = []
        var views: [RandomView] = []
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let term = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                letters.randomElement(using: &generator)!
            }
            terms.append(term)
            views.append(try RandomView(shape: term.map { lengths[$0]! }, using: &generator))
        }
        let used = Set(terms.joined()).sorted()
        let result = used.shuffled(using: &generator).prefix(Int.random(in: 0...used.count, using: &generator))
        let expression = terms.map { String($0) }.joined(separator: ",") + "->" + String(result)
        // One sum over every label, straight from the definition.
        var expected = [Double](repeating: 0, count: result.reduce(1) { $0 * lengths[$1]! })
        let every = NestedArray<Float>(shape: used.map { lengths[$0]! }) { _ in 0 }.indices
        for index in every {
            let place = Dictionary(uniqueKeysWithValues: zip(used, index))
            let product = zip(terms, views).reduce(1.0) { product, operand in
                product * Double(operand.1.model.at(operand.0.map { place[$0]! }))
            }
            expected[result.reduce(0) { $0 * lengths[$1]! + place[$1]! }] += product
        }
        let found = try AnyTensor.einsum(expression, views.map(\.tensor))
        #expect(Array(found.shape) == result.map { lengths[$0]! }, "seed \(seed): \(expression)")
        let bound = 1e-4 * Double(every.count)
        for (found, expected) in zip(try found.scalars(as: Float.self), expected) {
            #expect(abs(Double(found) - expected) <= bound, "seed \(seed): \(expression)")
        }
    }

    @Test("the result of the last pair has the order that is asked for without another copy")
    func contiguousResults() throws {
        let queries = try AnyTensor.zeros([2, 6, 3, 5])
        let keys = try AnyTensor.zeros([2, 7, 3, 5])
        #expect(try AnyTensor.einsum("bqhd,bkhd->bhqk", queries, keys).isContiguous)
        let left = try AnyTensor.zeros([3, 4])
        let right = try AnyTensor.zeros([4, 5])
        #expect(try AnyTensor.einsum("ij,jk->ik", left, right).isContiguous)
        #expect(try AnyTensor.einsum("ij,jk->ki", left, right).isContiguous)
    }

    @Test(
        "an expression that cannot be read says where",
        arguments: [
            ("ij,j-k", "'-' without '>'", "character 5"), ("ij,jk->iz", "'z' of the result", "character 9"),
            ("ij,jk->ii", "'i' is twice in the result", "character 9"), ("i1,jk", "'1' is no label", "character 2"),
            ("ij->i->j", "a second arrow", "character 6"), ("..ij->ij", "three dots", "character 1"),
            ("...i...->i", "a second ellipsis", "character 5"), ("ij->i,j", "a comma behind the arrow", "character 6"),
            ("ij->...ij", "the result has an ellipsis", "ij->...ij"), ("ïj->j", "'ï' is no label", "character 1"),
            ("ij->ij>", "'>' is no label", "character 7"),
        ])
    func malformed(expression: String, what: String, place: String) throws {
        let matrix = try AnyTensor.zeros([2, 2])
        let operands = Array(
            repeating: matrix, count: expression.hasPrefix("ij,j") || expression.hasPrefix("i1") ? 2 : 1)
        expectError(.malformedExpression, mentioning: "einsum", what, place) {
            _ = try AnyTensor.einsum(expression, operands)
        }
    }

    @Test("operands that do not fit their expression throw")
    func mistakes() throws {
        let matrix = try AnyTensor.zeros([2, 3])
        expectError(.shapeMismatch, mentioning: "2 operands", "1 are given") {
            _ = try AnyTensor.einsum("ij,jk", matrix)
        }
        expectError(.shapeMismatch, mentioning: "operand 0", "3 labels", "[2, 3]") {
            _ = try AnyTensor.einsum("ijk", matrix)
        }
        expectError(.shapeMismatch, mentioning: "'j' of operand 1", "character 4", "length 2, not 3") {
            _ = try AnyTensor.einsum("ij,jk", matrix, matrix)
        }
        expectError(.shapeMismatch, mentioning: "'i'", "character 2") { _ = try AnyTensor.einsum("ii", matrix) }
        expectError(.shapeMismatch, mentioning: "ellipsis", "operand 1") {
            _ = try AnyTensor.einsum("...,...", matrix, .zeros([2, 2]))
        }
        expectError(.malformedExpression, mentioning: "lacks the ellipsis", "2 axes") {
            _ = try AnyTensor.einsum("...->", matrix)
        }
        expectError(.dtypeMismatch, mentioning: "einsum", "int32") {
            _ = try AnyTensor.einsum("ij,jk", matrix, .zeros([3, 2], dtype: .int32))
        }
        expectError(.rankTooLarge, mentioning: "8 axes") {
            let wide = try AnyTensor.zeros([1, 1, 1, 1, 1])
            _ = try AnyTensor.einsum("abcde,fghij", wide, wide)
        }
    }
}
