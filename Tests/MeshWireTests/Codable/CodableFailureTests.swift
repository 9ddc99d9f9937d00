import MeshWire
import NIOCore
import Testing

@Suite struct CodableFailureTests {
    private struct Order: Codable, Sendable {
        struct Item: Codable, Sendable {
            var price: Int8
            var weight: Double?
        }
        var items: [Item]
        var buyer: [String: [Bool]] = [:]
    }

    /// Reads an order with one item, which is written as `item`.
    private func reason(item: String, _ rest: String = "") -> String? {
        refusal { () throws(WireError) in
            let map = rest.isEmpty ? "a1" : "a2"
            _ = try decode(Order.self, bytes(map + "65 6974656d73 81" + item + rest))
        }
    }

    @Test("an error says where it is, what was expected and what was found")
    func reasons() {
        #expect(reason(item: "a1 65 7072696365 19012c") == "items[0].price: expected Int8, found 300")
        #expect(reason(item: "a1 65 7072696365 3903e7") == "items[0].price: expected Int8, found -1000")
        #expect(
            reason(item: "a1 65 7072696365 1bffffffffffffffff")
                == "items[0].price: expected Int8, found 18446744073709551615")
        #expect(
            reason(item: "a1 65 7072696365 c2 51 01 00000000000000000000000000000000")
                == "items[0].price: expected Int8, found a larger integer")
        #expect(reason(item: "a1 65 7072696365 61 78") == "items[0].price: expected Int8, found text")
        #expect(reason(item: "a1 65 7072696365 f6") == "items[0].price: expected Int8, found null")
        #expect(reason(item: "a1 65 7072696365 f5") == "items[0].price: expected Int8, found a boolean")
        #expect(
            reason(item: "a1 65 7072696365 f93c00") == "items[0].price: expected Int8, found a floating-point number")
        #expect(reason(item: "a1 65 7072696365 41 00") == "items[0].price: expected Int8, found bytes")
        #expect(reason(item: "a1 65 7072696365 80") == "items[0].price: expected Int8, found an array")
        #expect(reason(item: "a1 65 7072696365 a0") == "items[0].price: expected Int8, found a map")
        #expect(reason(item: "a0") == "items[0]: there is no key \"price\"")
        #expect(reason(item: "01") == "items[0]: expected Dictionary<String, Any>, found an integer")
        #expect(
            reason(item: "a2 65 7072696365 01 66 776569676874 01")
                == "items[0].weight: expected Double, found an integer")
        #expect(
            reason(item: "a1 65 7072696365 01", "65 6275796572 a1 61 78 82 f4 00")
                == "buyer.x[1]: expected Bool, found an integer")
        #expect(
            refusal { () throws(WireError) in _ = try decode(Int.self, bytes("61 78")) } == "expected Int, found text")
        #expect(
            refusal { () throws(WireError) in _ = try decode([Int].self, bytes("a0")) }
                == "expected Array<Any>, found a map")
        #expect(
            refusal { () throws(WireError) in _ = try decode(Float.self, encode(0.1)) } == "expected Float, found 0.1")
        #expect(
            refusal { () throws(WireError) in _ = try decode(Range<Int>.self, bytes("81 01")) }
                == "[1]: expected Int, the array has 1 elements")
    }

    @Test("a key that a map has twice is refused where the map is read, among few keys and among many")
    func duplicateKeys() throws {
        #expect(
            reason(item: "a2 65 7072696365 01 65 7072696365 01") == "items[0]: a map has the key \"price\" twice")
        let many: [UInt8] = (0..<40).flatMap { [0x61, 0x30 + $0, 0x00] as [UInt8] }
        #expect(try decode([String: Int].self, [0xB8, 40] + many).count == 40)
        let message = refusal { () throws(WireError) in
            _ = try decode([String: Int].self, [0xB8, 41] + many + [0x61, 0x39, 0x00])
        }
        #expect(message == "a map has the key \"9\" twice")
    }

    private struct Picky: Codable, Sendable {
        struct Refusal: Error, CustomStringConvertible { var description: String }
        var name = ""

        init(_ name: String) { self.name = name }

        init(from decoder: any Decoder) throws {
            name = try decoder.singleValueContainer().decode(String.self)
            if name == "bad" { throw Refusal(description: "\(name) is not allowed") }
        }

        func encode(to encoder: any Encoder) throws {
            if name == "worse" { throw Refusal(description: "\(name) is not allowed") }
            var container = encoder.singleValueContainer()
            try container.encode(name)
        }
    }

    @Test("what a type itself throws is passed on in words, from either side")
    func ownErrors() {
        #expect(refusal { () throws(WireError) in _ = try travelled([Picky("bad")]) } == "bad is not allowed")
        let message = refusal { () throws(WireError) in
            _ = try Payload(CodableMessage([Picky("worse")])).decode(as: CodableMessage<[Picky]>.self)
        }
        #expect(message == "the sender could not encode it: worse is not allowed")
    }

    /// A type that encodes itself by a closure.
    private struct Odd: Codable, Sendable {
        enum Key: String, CodingKey { case a, b }
        let body: @Sendable (any Encoder) throws -> Void

        init(_ body: @escaping @Sendable (any Encoder) throws -> Void) { self.body = body }
        init(from decoder: any Decoder) throws { body = { _ in } }
        func encode(to encoder: any Encoder) throws { try body(encoder) }
    }

    private func reason(_ body: @escaping @Sendable (any Encoder) throws -> Void) -> String? {
        refusal { () throws(WireError) in _ = try encode(["odd": Odd(body)]) }
    }

    @Test("a type that encodes what is no value does not trap: its message says so")
    func misuse() throws {
        let twice = reason {
            var container = $0.container(keyedBy: Odd.Key.self)
            try container.encode(1, forKey: .a)
            try container.encode(2, forKey: .a)
        }
        #expect(twice == "odd.a: a key is encoded twice")
        let nestedTwice = reason {
            var container = $0.container(keyedBy: Odd.Key.self)
            try container.encode(1, forKey: .a)
            var list = container.nestedUnkeyedContainer(forKey: .a)
            try list.encode(1)
        }
        #expect(nestedTwice == "odd.a: a key is encoded twice")
        let twoThings = reason {
            _ = $0.unkeyedContainer()
            var container = $0.container(keyedBy: Odd.Key.self)
            try container.encode(1, forKey: .a)
        }
        #expect(twoThings == "odd: one value is encoded as two")
        let silent = reason {
            _ = $0.unkeyedContainer()
            _ = $0.container(keyedBy: Odd.Key.self)
        }
        #expect(silent == "odd: one value is encoded as two")
        let twoValues = reason {
            var container = $0.singleValueContainer()
            try container.encode(1)
            try container.encode("2")
        }
        #expect(twoValues == "odd: one value is encoded as two")
        let behind = reason {
            _ = $0.container(keyedBy: Odd.Key.self)
            var container = $0.singleValueContainer()
            try container.encode(["x": 1])
        }
        #expect(behind == "odd: one value is encoded as two")
        #expect(try encode(Odd { _ in }) == bytes("a0"))
        #expect(try encode([Odd { _ = $0.unkeyedContainer() }]) == bytes("81 80"))
    }

    @Test("what a type catches while it encodes leaves nothing behind")
    func caught() throws {
        let odd = Odd {
            var container = $0.container(keyedBy: Odd.Key.self)
            try? container.encode([Picky("worse")], forKey: .a)
            try container.encode(1, forKey: .b)
        }
        #expect(try encode(odd) == bytes("a1 61 62 01"))
    }

    private struct Deep: Codable, Sendable {
        var inner: [Deep]

        init(_ depth: Int) { inner = depth > 1 ? [Deep(depth - 1)] : [] }
        init(from decoder: any Decoder) throws { inner = try decoder.singleValueContainer().decode([Deep].self) }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(inner)
        }
    }

    @Test("values are nested 128 deep and no deeper, also in containers that are made in a loop")
    func depth() throws {
        #expect(try encode(Deep(128)) == Array(repeating: 0x81, count: 127) + [0x80])
        #expect(try encode(travelled(Deep(128))) == encode(Deep(128)))
        let reason = try #require(refusal { () throws(WireError) in _ = try encode(Deep(129)) })
        #expect(reason.hasSuffix("[0]: values are nested more than 128 deep"), "\(reason)")
        let loop = Odd {
            var container = $0.unkeyedContainer()
            for _ in 0..<100_000 { container = container.nestedUnkeyedContainer() }
        }
        #expect(refusal { () throws(WireError) in _ = try encode(loop) }?.hasSuffix("more than 128 deep") == true)
    }

    @Test("a reason is no longer than a status may be, however long the keys are that a peer sent")
    func longReasons() throws {
        let key = String(repeating: "k", count: 100_000)
        let decoding = refusal { () throws(WireError) in _ = try decode([String: Bool].self, encode([key: 1])) }
        #expect(decoding.map { $0.count < 1_010 && $0.hasSuffix("…: expected Bool, found an integer") } == true)
        let twice = try [0xA2] + encode(key) + [0x01] + encode(key) + [0x01]
        let duplicate = refusal { () throws(WireError) in _ = try decode([String: Int].self, twice) }
        #expect(duplicate.map { $0.count < 1_010 } == true)
        let head = encoded { $0.string(2, key) }
        let failure = refusal { () throws(WireError) in
            _ = try Payload(head: ByteBuffer(bytes: head)).decode(as: CodableMessage<Int>.self)
        }
        #expect(failure.map { $0.count < 1_010 && $0.hasPrefix("the sender could not encode it: kkk") } == true)
    }
}
