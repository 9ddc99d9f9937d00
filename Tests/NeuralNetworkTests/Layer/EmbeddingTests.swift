import Autodiff
import NeuralNetwork
import Tensor
import Testing

@Suite struct EmbeddingTests {
    private static func scope() throws -> ParameterScope {
        ParameterScope(
            try NamedTensors([("items/table", AnyTensor([0, 1, 10, 11, 20, 21] as [Float], shape: [3, 2]))]))["items"]
    }

    /// A sum of embedded words, beside bags of tags with weights.
    private struct Words: Model {
        func callAsFunction(_ words: Tensor<Int32>, _ p: ParameterScope) throws -> Tensor<Float> {
            let embedded = try p["words"].embedding(words, rows: 1_000, features: 4).sum(axes: [1])
            let tags = Tensor<Int32>([7, 7, 3])
            return try embedded
                + p["tags"].embeddingBag(
                    tags, starts: [0, 2], rows: 10, features: 4, weights: Tensor([1, 0.5, 2]))
        }
    }

    @Test("an embedding gives each index its row")
    func forward() throws {
        let found = try Self.scope().embedding(Tensor([2, 0, 2, 1], shape: [2, 2]), rows: 3, features: 2)
        #expect(found.shape == [2, 2, 2])
        #expect(found.scalars == [20, 21, 0, 1, 20, 21, 10, 11])
    }

    @Test("a bag gives what its rows give together, and an empty one 0")
    func bags() throws {
        func bag(_ reduction: BagReduction, weights: Tensor<Float>? = nil) throws -> [Float] {
            try Self.scope().embeddingBag(
                Tensor([2, 1, 1]), starts: [0, 2, 2], rows: 3, features: 2, reduction: reduction, weights: weights
            ).scalars
        }
        #expect(try bag(.sum) == [30, 32, 0, 0, 10, 11])
        #expect(try bag(.mean) == [15, 16, 0, 0, 10, 11])
        #expect(try bag(.maximum) == [20, 21, 0, 0, 10, 11])
        #expect(try bag(.sum, weights: Tensor([2, 0, -1])) == [40, 42, 0, 0, -10, -11])
    }

    @Test("a model's tables are found by shapes alone, and their gradients are of the rows that a batch names")
    func gradients() throws {
        let model = Words()
        let declaration = try initialize(
            model, key: RandomKey(seed: 5), example: Tensor(.abstract(shape: [2, 3], dtype: .int32)))
        #expect(declaration.parameters.map(\.name) == ["words/table", "tags/table"])
        #expect(declaration.parameters.map(\.shape) == [[1_000, 4], [10, 4]])
        #expect(declaration.outputShape == [2, 4])
        let parameters = try declaration.initialValues()
        let first = try parameters.tensor(named: "words/table").scalars(as: Float.self)
        #expect(first.allSatisfy { abs($0) <= 0.05 } && Set(first).count > 3_000)

        let words = Tensor<Int32>([999, 0, 999, 5, 0, 6], shape: [2, 3])
        let gradient = try valueAndGradient(at: parameters) { p in try model(words, ParameterScope(p)).sum() }.gradient
        guard case .rowSparse(let named)? = gradient[gradient: "words/table"],
            case .rowSparse(let tagged)? = gradient[gradient: "tags/table"]
        else {
            Issue.record("not row-sparse: \(gradient)")
            return
        }
        #expect(try named.indices.scalars() == [0, 5, 6, 999] as [Int64])
        #expect(try named.values.scalars() == [2, 1, 1, 2].flatMap { Array(repeating: Float($0), count: 4) })
        #expect(try tagged.indices.scalars() == [3, 7] as [Int64])
        #expect(try tagged.values.scalars() == [2, 1.5].flatMap { Array(repeating: Float($0), count: 4) })
    }

    /// As ``Words``, of tables with keys.
    private struct KeyedWords: Model {
        struct Input {
            var words: RowLookup
            var tags: RowLookup
        }

        func callAsFunction(_ input: Input, _ p: ParameterScope) throws -> Tensor<Float> {
            let embedded = try p["words"].embedding(input.words, features: 4).sum(axes: [1])
            return try embedded
                + p["tags"].embeddingBag(
                    input.tags, starts: [0, 2], features: 4, weights: Tensor([1, 0.5, 2]))
        }
    }

    @Test("looked up by keys, rows give what they give by their numbers, and the model declares tables of rows")
    func keys() throws {
        let words: [UInt64] = [.max, 70, .max, 5, 70, 6]
        let input = KeyedWords.Input(
            words: try RowLookup(words, shape: [2, 3]), tags: try RowLookup([9, 9, 1 << 40]))
        let declaration = try initialize(KeyedWords(), key: RandomKey(seed: 5), example: input)
        #expect(declaration.parameters.map(\.name) == ["words/table", "tags/table"])
        #expect(declaration.parameters.map(\.shape) == [[4], [4]])
        #expect(declaration.parameters.allSatisfy { $0.isRowTable })
        #expect(declaration.outputShape == [2, 4])
        #expect(declaration.elementCount == 0)
        #expect(try declaration.initialValues().map(\.tensor.shape) == [[0, 4], [0, 4]])

        // The rows in the order of their keys: 5, 6, 70 and the largest; 9 and 2⁴⁰.
        let table = try RandomKey(seed: 1).normal([4, 4])
        let tags = try RandomKey(seed: 2).normal([2, 4])
        let found = try KeyedWords()(
            input, ParameterScope(NamedTensors([("words/table", table), ("tags/table", tags)])))
        let scope = ParameterScope(try NamedTensors([("words/table", table), ("tags/table", tags)]))
        let expected =
            try scope["words"].embedding(Tensor([3, 2, 3, 0, 2, 1], shape: [2, 3]), rows: 4, features: 4)
            .sum(axes: [1])
            + scope["tags"].embeddingBag(
                Tensor([0, 0, 1]), starts: [0, 2], rows: 2, features: 4, weights: Tensor([1, 0.5, 2]))
        #expect(found.scalars == expected.scalars)
    }

    @Test("rows that are not those of the look-up are an error with the parameter's name")
    func otherRows() throws {
        let error = #expect(throws: TensorError.self) { try Self.scope().embedding(RowLookup([1, 2]), features: 2) }
        #expect(error?.code == .shapeMismatch)
        #expect(error?.message.contains("items/table") == true)
        let shape = #expect(throws: TensorError.self) { try RowLookup([1, 2, 3], shape: [2, 2]) }
        #expect(shape?.code == .shapeMismatch)
    }

    @Test("an index that names no row throws and names the layer")
    func wrongIndices() throws {
        let scope = try Self.scope()
        for index in [Int32(-1), 3] {
            let indices = Tensor([0, index])
            let plain = #expect(throws: TensorError.self) { try scope.embedding(indices, rows: 3, features: 2) }
            #expect(plain?.code == .indexOutOfRange && plain?.message.contains("\"items\"") == true)
            let bag = #expect(throws: TensorError.self) {
                try scope.embeddingBag(indices, starts: [0], rows: 3, features: 2)
            }
            #expect(bag?.code == .indexOutOfRange && bag?.message.contains("\"items\"") == true)
        }
        let wide = #expect(throws: TensorError.self) { try scope.embedding(Tensor([0]), rows: 3, features: 4) }
        #expect(wide?.code == .shapeMismatch && wide?.message.contains("items/table") == true)
    }
}
