import MeshWire
import NIOCore
import Testing

private struct Hidden: Codable, Sendable {}

struct Basket: Codable, Hashable, Sendable {
    var items: [String]
}

private struct Named: NamedCodable, Sendable {
    static let codableName = "shop.Named"
}

@Suite struct CodableMessageTests {
    @Test("a message has the name of its type with its module, or the one that the type chose")
    func names() {
        struct Local: Codable, Sendable {}
        #expect(CodableMessage<Basket>.messageName == "codable/MeshWireTests.Basket")
        #expect(CodableMessage<[Basket]>.messageName == "codable/Swift.Array<MeshWireTests.Basket>")
        #expect(CodableMessage<Named>.messageName == "codable/shop.Named")
        // Swift's own name of these has an address in it, which differs between processes.
        #expect(CodableMessage<Hidden>.messageName == "codable/MeshWireTests.Hidden")
        #expect(CodableMessage<Local>.messageName == "codable/MeshWireTests.CodableMessageTests.Local")
        #expect(
            CodableMessage<[String: Hidden?]>.messageName
                == "codable/Swift.Dictionary<Swift.String, Swift.Optional<MeshWireTests.Hidden>>")
    }

    @Test("a value is field 1 of its message, as CBOR")
    func fields() throws {
        let payload = Payload(CodableMessage(Basket(items: ["apple"])))
        #expect(
            Array(payload.head.readableBytesView) == bytes("0a 0e a1 65 6974656d73 81 65 6170706c65"))
        #expect(payload.segments.isEmpty)
        let message = try payload.decode(as: CodableMessage<Basket>.self)
        #expect(message == CodableMessage(Basket(items: ["apple"])))
    }

    @Test("a value may come beside the head, among fields that nobody knows, and more than once")
    func otherFields() throws {
        let head = encoded {
            $0.repeatedBytes(1, bytes("01"))
            $0.uint64(3, 7)
            $0.repeatedBytes(1, bytes("02"))
        }
        #expect(try Payload(head: ByteBuffer(bytes: head)).decode(as: CodableMessage<Int>.self).value == 2)
        let segment = SegmentField(number: 1, segment: Segment(copying: bytes("03")))
        let mixed = Payload(head: ByteBuffer(bytes: head), segments: [segment])
        #expect(try mixed.decode(as: CodableMessage<Int>.self).value == 3)
    }

    @Test("a message without a value is refused")
    func noValue() {
        let message = refusal { () throws(WireError) in _ = try Payload().decode(as: CodableMessage<Int>.self) }
        #expect(message == "there is no value")
    }

    @Test("newer and older types read each other: keys that are not known are skipped, optional ones may be absent")
    func evolution() throws {
        struct Old: Codable, Sendable {
            var name = "a"
            var price = 1
        }
        struct New: Codable, Sendable {
            struct Extra: Codable, Sendable { var lists = [["x": 1.5], [:]] }
            var extra: Extra? = Extra()
            var name = "b"
            var blob: [UInt8]? = [1, 2, 3]
            var price = 2
            var note: String? = "new"
        }
        let old = try decode(Old.self, encode(New()))
        #expect(old.name == "b" && old.price == 2)
        let new = try decode(New.self, encode(Old()))
        #expect(new.name == "a" && new.price == 1 && new.extra == nil && new.blob == nil && new.note == nil)
    }

    @Test("keys are found in any order, few of them and many", arguments: [1, 15, 16, 17, 300])
    func keyOrder(count: Int) throws {
        struct Keys: Decodable, Encodable, Sendable {
            var values: [Int]

            init(_ values: [Int]) { self.values = values }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Key.self)
                #expect(container.allKeys.map(\.stringValue) == container.allKeys.indices.map { "key \($0)" })
                values = try container.allKeys.reversed().map { try container.decode(Int.self, forKey: $0) }
                #expect(!container.contains(Key(stringValue: "key")!))
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                for value in values { try container.encode(value, forKey: Key(stringValue: "key \(value)")!) }
            }

            struct Key: CodingKey {
                var stringValue: String
                var intValue: Int? { nil }
                init?(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }
        }
        #expect(try travelled(Keys(Array(0..<count))).values == (0..<count).reversed())
    }
}
