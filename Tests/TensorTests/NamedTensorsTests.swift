import Tensor
import Testing

@Suite("NamedTensors")
struct NamedTensorsTests {
    private func sample() throws -> NamedTensors {
        try NamedTensors([("b", .scalar(Float(1))), ("a", .scalar(Float(2))), ("c", .scalar(Float(3)))])
    }

    @Test("tensors keep the order in which they were added")
    func order() throws {
        var tensors = try sample()
        #expect(tensors.names == ["b", "a", "c"])
        tensors["a"] = try .scalar(Float(20))
        tensors["d"] = try .scalar(Float(4))
        #expect(tensors.map(\.name) == ["b", "a", "c", "d"])
        #expect(try tensors.map { try $0.tensor.scalars(as: Float.self)[0] } == [1, 20, 3, 4])
        tensors["a"] = nil
        #expect(tensors.names == ["b", "c", "d"])
        #expect(try tensors.tensor(named: "d").scalars(as: Float.self) == [4])
        #expect(tensors.byteCount == 12)
    }

    @Test("an unknown name throws with the names there are, and a repeated one with itself")
    func mistakes() throws {
        let tensors = try sample()
        #expect(tensors["x"] == nil)
        expectError(.unknownName, mentioning: "\"x\"", "b, a, c") { _ = try tensors.tensor(named: "x") }
        expectError(.duplicateName, mentioning: "\"a\"") {
            _ = try NamedTensors([("a", .scalar(Float(1))), ("a", .scalar(Float(2)))])
        }
    }

    @Test("an update writes where the tensor lies")
    func update() throws {
        var tensors = try sample()
        let before = tensors.firstAddress(of: "a")
        try tensors.update("a") { tensor throws(TensorError) in try tensor.accumulate(.scalar(Float(5))) }
        #expect(try tensors.tensor(named: "a").scalars(as: Float.self) == [7])
        #expect(tensors.firstAddress(of: "a") == before)
        expectError(.unknownName) { try tensors.update("x") { _ throws(TensorError) in } }
    }

    @Test("mapping keeps names and order")
    func mapping() throws {
        let doubled = try sample().mapValues { _, tensor throws(TensorError) in try tensor + tensor }
        #expect(doubled.names == ["b", "a", "c"])
        #expect(try doubled.tensor(named: "c").scalars(as: Float.self) == [6])
        #expect("\(doubled)" == "[b: float32[], a: float32[], c: float32[]]")
    }

    /// A row-sparse table, and a dense tensor behind it.
    private func gradients() throws -> NamedTensors {
        var gradients = NamedTensors()
        gradients[gradient: "table"] = .rowSparse(
            try RowSparse(
                indices: AnyTensor([3, 1] as [Int64], shape: [2]),
                values: AnyTensor([1, 2] as [Float], shape: [2, 1]),
                rowCount: 4))
        gradients[gradient: "bias"] = .dense(try .scalar(Float(5)))
        return gradients
    }

    @Test("a row-sparse tensor has its place, its type and its size, and no values but by its rows")
    func rowSparse() throws {
        var gradients = try gradients()
        #expect(gradients.names == ["table", "bias"])
        #expect("\(gradients)" == "[table: float32[4, 1] with 2 rows, bias: float32[]]")
        #expect(gradients.byteCount == 2 * 8 + 2 * 4 + 4)
        #expect(gradients["table"]?.isAbstract == true && gradients["table"]?.shape == [4, 1])
        #expect(gradients[gradient: "absent"] == nil)
        guard case .rowSparse(let rows)? = gradients[gradient: "table"] else {
            Issue.record("not row-sparse")
            return
        }
        #expect(try rows.indices.scalars(as: Int64.self) == [3, 1])
        expectError(.notDense, mentioning: "\"table\"", "2 rows", "toDense()") {
            _ = try gradients.tensor(named: "table")
        }
        expectError(.notDense, mentioning: "\"table\"") {
            try gradients.update("table") { _ throws(TensorError) in }
        }
        expectError(.notDense, mentioning: "\"table\"", "toDense()") { _ = try Safetensors.encode(gradients) }
    }

    @Test("all elements of every tensor, when they are asked for")
    func toDense() throws {
        let dense = try gradients().toDense()
        #expect(dense.names == ["table", "bias"])
        #expect(try dense.map { try $0.tensor.scalars(as: Float.self) } == [[0, 2, 0, 1], [5]])
    }

    @Test("what is set under the name of a row-sparse tensor takes its place, and nil removes it")
    func replaced() throws {
        var gradients = try gradients()
        gradients["table"] = try .scalar(Float(7))
        #expect(try gradients.tensor(named: "table").scalars(as: Float.self) == [7])
        gradients = try self.gradients()
        gradients[gradient: "table"] = nil
        #expect(gradients.names == ["bias"] && gradients[gradient: "table"] == nil)
        let mapped = try self.gradients().mapValues { _, tensor throws(TensorError) in try .zeros(tensor.shape) }
        #expect(try mapped.tensor(named: "table").scalars(as: Float.self) == [0, 0, 0, 0])
    }
}

extension NamedTensors {
    fileprivate func firstAddress(of name: String) -> Int {
        self[name]!.withBytes { bytes in Int(bitPattern: bytes.baseAddress) }
    }
}
