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
}

extension NamedTensors {
    fileprivate func firstAddress(of name: String) -> Int {
        self[name]!.withBytes { bytes in Int(bitPattern: bytes.baseAddress) }
    }
}
