import MeshWire
import NIOCore
import TestSupport
import Testing

@Suite struct CodableRoundTripTests {
    /// Whether `value` comes back as it was.
    private func returns<Value: Codable & Equatable & Sendable>(_ value: Value) throws -> Bool {
        try travelled(value) == value
    }

    @Test("every value comes back as it was sent", arguments: 1...6 as ClosedRange<UInt64>)
    func random(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<rounds(40) {
            let shape = Shape.random(using: &generator)
            #expect(try travelled(shape) == shape, "seed \(seed), round \(round)")
        }
    }

    @Test("the least and the greatest integer of every width come back")
    func integers() throws {
        func extremes<Number: FixedWidthInteger & Codable & Sendable>(_ type: Number.Type) throws {
            for value in [Number.min, .max, .min + 1, .max - 1, 0, 1] { #expect(try returns(value), "\(type)") }
            #expect(try returns([Number.min, .max]))
            #expect(try returns(["": Number.max]))
        }
        try extremes(Int.self)
        try extremes(Int8.self)
        try extremes(Int16.self)
        try extremes(Int32.self)
        try extremes(Int64.self)
        try extremes(Int128.self)
        try extremes(UInt.self)
        try extremes(UInt8.self)
        try extremes(UInt16.self)
        try extremes(UInt32.self)
        try extremes(UInt64.self)
        try extremes(UInt128.self)
    }

    @Test("floating-point numbers come back bit by bit")
    func floats() throws {
        let doubles: [Double] = [
            0, -0.0, .pi, .leastNonzeroMagnitude, .infinity, .nan, Double(nan: 7, signaling: false),
        ]
        #expect(try travelled(doubles).map(\.bitPattern) == doubles.map(\.bitPattern))
        let floats: [Float] = [0, -0.0, .pi, .leastNonzeroMagnitude, -.infinity, .nan, Float(nan: 7, signaling: true)]
        #expect(try travelled(floats).map(\.bitPattern) == floats.map(\.bitPattern))
        #expect(try decode(Double.self, encode(Float.pi)) == Double(Float.pi))
        #expect(try decode(Float.self, encode(0.5)) == 0.5)
    }

    @Test("what the standard library makes of arrays, sets, dictionaries, ranges and optionals comes back")
    func standard() throws {
        #expect(try returns([[1], [], [2, 3]]))
        #expect(try returns([Int?.none, 1, nil]))
        #expect(try returns(Set(["a", "b"])))
        #expect(try returns(["a": [1.5], "": []]))
        #expect(try returns([-1: "minus one", 7: ""]))
        #expect(try returns([0.5: 1, 1.5: 2]))
        #expect(try returns(1..<5))
        #expect(try returns(1...5))
        #expect(try travelled(...5).upperBound == 5)
        #expect(try travelled(5...).lowerBound == 5)
        #expect(try returns(ContiguousArray([1, 2])))
        #expect(try returns(Duration.milliseconds(1_500)))
        #expect(try returns(SIMD4<Float>(1, 2, 3, 4)))
        #expect(try returns(Array("aä→𝛁\u{0}".unicodeScalars.map(String.init))))
        #expect(try returns(String?.none))
        #expect(try returns(String?("a")))
        #expect(try returns(Result<Int, WireErrorLike>.failure(WireErrorLike(reason: "no"))))
    }

    /// A `Result` is no `Codable`: an enum like it, with synthesised coding.
    private enum Result<Success: Codable & Equatable & Sendable, Failure: Codable & Equatable & Sendable>: Codable,
        Equatable, Sendable
    {
        case success(Success)
        case failure(Failure)
    }
    private struct WireErrorLike: Codable, Equatable, Sendable { var reason: String }

    @Test("integer keys are written as their text")
    func integerKeys() throws {
        #expect(try encode([7: true]) == bytes("a1 61 37 f5"))
        struct Numbered: Codable, Equatable {
            enum CodingKeys: Int, CodingKey { case first = 1 }
            var first = true
        }
        #expect(try encode(Numbered()) == bytes("a1 65 6669727374 f5"))
        #expect(try returns(Numbered()))
    }

    @Test("bytes are written as a byte string, wherever they are, and read from an array as well")
    func byteStrings() throws {
        struct Blobs: Codable, Equatable {
            var one: [UInt8] = [1]
            var maybe: [UInt8]? = [2]
            var many: [[UInt8]?] = [[3], nil, []]
        }
        #expect(try encode([UInt8]()) == bytes("40"))
        #expect(
            try encode(Blobs()) == bytes("a3 63 6f6e65 41 01 65 6d61796265 41 02 64 6d616e79 83 41 03 f6 40"))
        #expect(try returns(Blobs()))
        #expect(try decode([UInt8].self, bytes("82 01 18ff")) == [1, 255])
        // Which arrays are bytes, and which only look so: an empty array of anything is one of bytes to a cast.
        #expect(try encode([Int]()) == bytes("80"))
        #expect(try encode([Int8]([1])) == bytes("81 01"))
    }

    @Test("bytes that are large travel beside the head")
    func large() throws {
        let blob = [UInt8](repeating: 7, count: 5_000_000)
        let payload = Payload(CodableMessage(blob))
        #expect(payload.segments.map(\.number) == [1] && payload.head.readableBytes == 0)
        #expect(try payload.decode(as: CodableMessage<[UInt8]>.self).value == blob)
    }

    private class Animal: Codable {
        var legs = 4

        init() {}
    }

    private final class Dog: Animal {
        var name = "Rex"

        private enum CodingKeys: CodingKey { case name }

        override init() { super.init() }

        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.decode(String.self, forKey: .name)
            try super.init(from: container.superDecoder())
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try super.encode(to: container.superEncoder())
            try container.encode(name, forKey: .name)
        }
    }

    /// A value that holds a class, which is nobody else's.
    private struct Kennel: Codable, @unchecked Sendable { var dog: Dog }

    @Test("a class's superclass is encoded beside it")
    func inheritance() throws {
        let dog = Dog()
        (dog.legs, dog.name) = (3, "Tripod")
        let back = try travelled(Kennel(dog: dog)).dog
        #expect(back.legs == 3 && back.name == "Tripod")
        #expect(try encode(Kennel(dog: dog)).contains(bytes("65 7375706572 a1 64 6c656773 03")))
    }

    /// Two containers, written to in turn, with another value before, between and behind them.
    private struct Interleaved: Codable, Equatable, Sendable {
        enum Key: String, CodingKey { case before, list, map, last, inner, behind }
        var numbers = [1, 2, 3]

        init() {}

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            #expect(container.allKeys == [.before, .list, .map, .last, .behind])
            #expect(try container.decode(Int.self, forKey: .before) == 10)
            #expect(try container.decode(String.self, forKey: .behind) == "end")
            var list = try container.nestedUnkeyedContainer(forKey: .list)
            numbers = []
            while !list.isAtEnd { numbers.append(try list.decode(Int.self)) }
            let map = try container.nestedContainer(keyedBy: Key.self, forKey: .map)
            var inner = try map.nestedUnkeyedContainer(forKey: .inner)
            #expect(inner.count == 4)
            #expect(try inner.decodeNil())
            #expect(try !inner.decodeNil())
            #expect(try inner.nestedContainer(keyedBy: Key.self).decode(Bool.self, forKey: .last))
            #expect(try inner.nestedUnkeyedContainer().count == 0)
            #expect(try inner.superDecoder().singleValueContainer().decode(Int.self) == 5)
            #expect(inner.isAtEnd && inner.currentIndex == 4)
            #expect(try Int(from: container.superDecoder(forKey: .last)) == 9)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(10, forKey: .before)
            var list = container.nestedUnkeyedContainer(forKey: .list)
            var map = container.nestedContainer(keyedBy: Key.self, forKey: .map)
            let last = container.superEncoder(forKey: .last)
            try container.encode("end", forKey: .behind)
            var inner = map.nestedUnkeyedContainer(forKey: .inner)
            try inner.encodeNil()
            var innermost = inner.nestedContainer(keyedBy: Key.self)
            for number in numbers { try list.encode(number) }
            _ = inner.nestedUnkeyedContainer()
            try 5.encode(to: inner.superEncoder())
            try innermost.encode(true, forKey: .last)
            try 9.encode(to: last)
        }
    }

    @Test("nested containers are written to in any order")
    func interleaved() throws {
        #expect(try returns(Interleaved()))
        #expect(
            try encode(Interleaved())
                == bytes(
                    "a5 66 6265666f7265 0a 64 6c697374 83 01 02 03 63 6d6170 a1 65 696e6e6572 84 f6 a1 64 6c617374 f5 80 05"
                        + "64 6c617374 09 66 626568696e64 63 656e64"))
    }
}

extension [UInt8] {
    /// Whether `other` stands somewhere in it.
    fileprivate func contains(_ other: [UInt8]) -> Bool { firstRange(of: other) != nil }
}
