import Tensor
import Testing

@Suite("Initializer")
struct InitializerTests {
    private let key = RandomKey(seed: 0x0123_4567_89AB_CDEF)

    @Test("uniform values have their permanent bits")
    func bits() throws {
        let values = try Initializer.uniform(low: -0.5, high: 0.25).values(key: key, shape: [2, 2])
        #expect(values.shape == [2, 2])
        #expect(
            try values.scalars(as: Float.self).map(\.bitPattern) == [
                0xBE8B_B392, 0x3E14_2AF9, 0x3CBB_0AD8, 0x3E6E_B7ED,
            ])
    }

    @Test(
        "the parts that partitions make are the whole that one machine makes",
        arguments: [Initializer.zeros, .constant(0.5), .uniform(low: -1, high: 1), .heUniform(fanIn: 30)])
    func parts(initializer: Initializer) throws {
        let shape: Shape = [30, 17]
        let whole = try initializer.values(key: key, shape: shape).scalars(as: Float.self)
        for bounds in [[0, 510], [0, 255, 510], [0, 1, 7, 7, 100, 333, 509, 510]] {
            let parts = try zip(bounds, bounds.dropFirst()).map { low, high in
                try initializer.values(key: key, elements: low..<high, of: shape).scalars(as: Float.self)
            }
            #expect(Array(parts.joined()) == whole)
        }
    }

    @Test("the bounds of Glorot's and He's initialisation are those of their papers")
    func bounds() throws {
        #expect(Initializer.glorotUniform(fanIn: 4, fanOut: 2) == .uniform(low: -1, high: 1))
        #expect(Initializer.heUniform(fanIn: 6) == .uniform(low: -1, high: 1))
        let values = try Initializer.heUniform(fanIn: 24).values(key: key, shape: [1_000]).scalars(as: Float.self)
        #expect(values.allSatisfy { abs($0) <= 0.5 })
        #expect(values.min()! < -0.49 && values.max()! > 0.49)
    }

    @Test("a range outside the parameter throws")
    func outOfRange() {
        expectError(.indexOutOfRange, mentioning: "3..<7", "[2, 3]") {
            _ = try Initializer.zeros.values(key: key, elements: 3..<7, of: [2, 3])
        }
    }
}
