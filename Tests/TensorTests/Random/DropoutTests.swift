import Tensor
import Testing

@Suite("Dropout")
struct DropoutTests {
    @Test("what stays is scaled, and the key says what stays")
    func scaling() throws {
        let key = RandomKey(seed: 7)
        let x = Tensor<Float>(repeating: 3, shape: [64])
        let stays = try key.bernoulli([64], probability: 0.75).scalars(as: Bool.self)
        let dropped = x.dropout(probability: 0.25, key: key).scalars
        #expect(dropped == stays.map { $0 ? 4 : 0 })
        #expect(dropped.contains(0) && dropped.contains(4))
        #expect(x.dropout(probability: 0, key: key).scalars == x.scalars)
        #expect(Tensor<Float16>([.nan, 1]).dropout(probability: 1, key: key).scalars == [0, 0])
        // A part, drawn by itself, drops the same.
        let part = try x.core.slice(elements: 16..<32).dropout(probability: 0.25, key: key, offset: 16)
        #expect(try part.scalars(as: Float.self) == Array(dropped[16..<32]))
    }

    @Test("what is no probability throws")
    func mistakes() {
        for probability in [-0.1, 1.5, .nan] {
            expectError(.shapeMismatch, mentioning: "dropout", "\(probability)") {
                _ = try AnyTensor.zeros([2]).dropout(probability: probability, key: RandomKey(seed: 1))
            }
        }
        expectError(.dtypeMismatch, mentioning: "dropout") {
            _ = try AnyTensor.zeros([2], dtype: .int32).dropout(probability: 0.5, key: RandomKey(seed: 1))
        }
    }
}
