import MeshWire
import TestSupport
import Testing

@Suite struct HostileCBORTests {
    /// A value that holds items of every kind, however they come.
    private indirect enum Anything: Codable, Equatable, Sendable {
        case null, bool(Bool), integer(Int128), number(Double), text(String), bytes([UInt8])
        case list([Anything]), map([String: Anything])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Int128.self) {
                self = .integer(value)
            } else if let value = try? container.decode(Double.self) {
                self = .number(value)
            } else if let value = try? container.decode(String.self) {
                self = .text(value)
            } else if let list = try? decoder.unkeyedContainer() {
                var list = list
                var values: [Anything] = []
                while !list.isAtEnd { values.append(try list.decode(Anything.self)) }
                self = .list(values)
            } else if (try? decoder.container(keyedBy: Shape.Key.self)) != nil {
                self = .map(try container.decode([String: Anything].self))
            } else {
                self = .bytes(try container.decode([UInt8].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .null: try container.encodeNil()
            case .bool(let value): try container.encode(value)
            case .integer(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            case .bytes(let value): try container.encode(value)
            case .list(let value): try container.encode(value)
            case .map(let value): try container.encode(value)
            }
        }

        private enum Shape { enum Key: CodingKey {} }
    }

    private func code<Value: Codable & Sendable>(_ type: Value.Type, _ bytes: [UInt8]) -> WireError.Code? {
        wireError { () throws(WireError) in _ = try decode(type, bytes) }
    }

    @Test("a value that is cut short at any byte is refused, and so is one with a byte behind it")
    func truncated() throws {
        var generator = SeededGenerator(seed: 1)
        let whole = try encode(Shape.random(using: &generator))
        #expect(whole.count > 500)
        for length in whole.indices {
            #expect(code(Shape.self, Array(whole[..<length])) == .truncated, "\(length) bytes")
        }
        let longer = refusal { () throws(WireError) in _ = try decode(Shape.self, whole + [0]) }
        #expect(longer == "1 bytes follow the value, at byte \(whole.count)")
    }

    @Test(
        "a value with changed bytes is refused or read, and what is read comes back",
        arguments: 1...6 as ClosedRange<UInt64>)
    func mutated(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<rounds(20) {
            var bytes = try encode(Shape.random(using: &generator, depth: 1))
            for _ in 0..<20 {
                let index = Int.random(in: bytes.indices, using: &generator)
                bytes[index] = UInt8(truncatingIfNeeded: generator.next())
                if let shape = try? decode(Shape.self, bytes) {
                    let again = try encode(shape)
                    #expect(try encode(decode(Shape.self, again)).count == again.count, "seed \(seed), round \(round)")
                }
                if let anything = try? decode(Anything.self, bytes) { _ = try encode(anything) }
            }
        }
    }

    @Test("random bytes are refused or read, and never trap", arguments: 0..<6 as Range<UInt64>)
    func garbage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<rounds(2_000) {
            let bytes = generator.bytes(Int(generator.next() % 40))
            guard let anything = try? decode(Anything.self, bytes) else { continue }
            let again = try encode(anything)
            #expect(try encode(decode(Anything.self, again)) == again, "seed \(seed), round \(round)")
        }
    }

    @Test(
        "lengths and counts of more than there is are refused before memory is set aside",
        arguments: ["5b", "7b", "9b", "bb"],
        ["ffffffffffffffff", "8000000000000000", "7fffffffffffffff", "0000000100000000"])
    func lengths(head: String, length: String) {
        #expect(code(Anything.self, bytes(head + length)) == .truncated)
        #expect(code(Anything.self, bytes(head + length + "00000000")) == .truncated)
        #expect(code(Anything.self, bytes("c2" + head + length)) != nil)
    }

    @Test("nesting of any depth is refused or read without a stack that grows with it")
    func nesting() throws {
        #expect(code(Anything.self, Array(repeating: 0x81, count: 127) + [0x80]) == nil)
        #expect(code(Anything.self, Array(repeating: 0x81, count: 128) + [0x00]) == nil)
        #expect(code(Anything.self, Array(repeating: 0x81, count: 128) + [0x80]) == .tooLarge)
        #expect(code(Anything.self, Array(repeating: 0x81, count: 1_000_000) + [0x00]) == .tooLarge)
        let maps = Array(repeating: [0xA1, 0x61, 0x6B] as [UInt8], count: 128).flatMap { $0 }
        #expect(code(Anything.self, maps + [0x00]) == nil)
        #expect(code(Anything.self, maps + [0xA0]) == .tooLarge)
        // A value that nobody reads is looked through like the others.
        #expect(code(Basket.self, [0xA1, 0x61, 0x6B] + Array(repeating: 0x81, count: 200_000)) == .tooLarge)
        #expect(code(Anything.self, Array(repeating: 0xC2, count: 1_000_000)) == .malformed)
    }

    @Test("text that is no UTF-8 is refused, as a value, as a key, and where nobody reads it")
    func text() {
        for text in ["62 c328", "63 eda080", "62 c080", "61 ff", "63 e2821a", "64 f4908080"] {
            #expect(code(String.self, bytes(text)) == .malformed)
            #expect(code([String: Int].self, bytes("a1" + text + "00")) == .malformed)
            #expect(code(Basket.self, bytes("a2 65 6974656d73 80 61 78" + text)) == .malformed)
        }
    }

    /// Reads every level of arrays in each other.
    private struct Levels: Codable, Sendable {
        var inner: [Levels]

        init(from decoder: any Decoder) throws { inner = try decoder.singleValueContainer().decode([Levels].self) }
        func encode(to encoder: any Encoder) throws {}
    }

    @Test(
        "many keys are read without comparing each with each, whether the type knows them or not",
        .timeLimit(.minutes(5)))
    func manyKeys() throws {
        let keys = try encode(Dictionary(uniqueKeysWithValues: (0..<100_000).map { ("\($0)", true) }))
        #expect(code([String: Bool].self, keys) == nil)
        #expect(code(Basket.self, keys) == .malformed)
    }

    @Test("many small values below many levels are read without going through them again at each")
    func manyLevels() throws {
        let head: [UInt8] = Array(repeating: 0x81, count: 126) + [0x9A, 0x00, 0x01, 0x86, 0xA0]
        #expect(code(Levels.self, head + Array(repeating: 0x80, count: 100_000)) == nil)
    }
}
