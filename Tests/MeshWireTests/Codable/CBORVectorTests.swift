import MeshWire
import Testing

/// The examples of RFC 8949, appendix A.
@Suite struct CBORVectorTests {
    /// Holds a value against its bytes, in both directions.
    private func hold<Value: Codable & Equatable & Sendable>(_ value: Value, _ digits: String) throws {
        #expect(try encode(value) == bytes(digits), "\(value)")
        #expect(try decode(Value.self, bytes(digits)) == value, "\(digits)")
    }

    @Test("integers are written and read as the RFC has them")
    func integers() throws {
        try hold(0, "00")
        try hold(1, "01")
        try hold(10, "0a")
        try hold(23, "17")
        try hold(24, "1818")
        try hold(25, "1819")
        try hold(100, "1864")
        try hold(1_000, "1903e8")
        try hold(1_000_000, "1a000f4240")
        try hold(1_000_000_000_000, "1b000000e8d4a51000")
        try hold(UInt64.max, "1bffffffffffffffff")
        try hold(UInt128(UInt64.max) + 1, "c249010000000000000000")
        try hold(-Int128(UInt64.max) - 1, "3bffffffffffffffff")
        try hold(-Int128(UInt64.max) - 2, "c349010000000000000000")
        try hold(-1, "20")
        try hold(-10, "29")
        try hold(-100, "3863")
        try hold(-1_000, "3903e7")
    }

    @Test("floating-point numbers keep their width when they are written")
    func written() throws {
        try hold(Float(100_000), "fa47c35000")
        try hold(Float.greatestFiniteMagnitude, "fa7f7fffff")
        try hold(Float.infinity, "fa7f800000")
        try hold(-Float.infinity, "faff800000")
        try hold(1.1, "fb3ff199999999999a")
        try hold(1.0e+300, "fb7e37e43c8800759c")
        try hold(-4.1, "fbc010666666666666")
        try hold(Double.infinity, "fb7ff0000000000000")
        try hold(-Double.infinity, "fbfff0000000000000")
        try hold(1.5, "fb3ff8000000000000")
        #expect(try encode(Double.nan) == bytes("fb7ff8000000000000"))
        #expect(try encode(Float.nan) == bytes("fa7fc00000"))
        #expect(try encode(-0.0) == bytes("fb8000000000000000"))
    }

    @Test(
        "floating-point numbers are read in any width",
        arguments: [
            ("f90000", 0), ("f93c00", 1), ("f93e00", 1.5), ("f97bff", 65_504), ("f90001", 5.960464477539063e-8),
            ("f90400", 0.00006103515625), ("f9c400", -4), ("f97c00", .infinity), ("f9fc00", -.infinity),
            ("fa47c35000", 100_000), ("fa7f800000", .infinity), ("fb7ff0000000000000", .infinity),
        ] as [(String, Double)])
    func read(digits: String, value: Double) throws {
        #expect(try decode(Double.self, bytes(digits)) == value)
        #expect(try decode(Float.self, bytes(digits)) == Float(value))
    }

    @Test("what is not a number is read in any width", arguments: ["f97e00", "fa7fc00000", "fb7ff8000000000000"])
    func notANumber(digits: String) throws {
        #expect(try decode(Double.self, bytes(digits)).isNaN)
        #expect(try decode(Float.self, bytes(digits)).isNaN)
    }

    @Test("negative zero is read as one")
    func negativeZero() throws {
        #expect(try decode(Double.self, bytes("f98000")).sign == .minus)
    }

    @Test("simple values, bytes and text are written and read as the RFC has them")
    func strings() throws {
        try hold(false, "f4")
        try hold(true, "f5")
        try hold(Int?.none, "f6")
        try hold([UInt8](), "40")
        try hold([UInt8]([1, 2, 3, 4]), "4401020304")
        try hold("", "60")
        try hold("a", "6161")
        try hold("IETF", "6449455446")
        try hold("\"\\", "62225c")
        try hold("\u{fc}", "62c3bc")
        try hold("\u{6c34}", "63e6b0b4")
        try hold("\u{10151}", "64f0908591")
    }

    private enum Pair: Codable, Equatable, Sendable {
        case number(Int), list([Int])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .number(number)
            } else {
                self = .list(try container.decode([Int].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let number): try container.encode(number)
            case .list(let list): try container.encode(list)
            }
        }
    }

    @Test("arrays and maps are written and read as the RFC has them")
    func containers() throws {
        try hold([Int](), "80")
        try hold([1, 2, 3], "83010203")
        try hold([Pair.number(1), .list([2, 3]), .list([4, 5])], "8301820203820405")
        try hold(Array(1...25), "98190102030405060708090a0b0c0d0e0f101112131415161718181819")
        try hold([String: Int](), "a0")
        struct Entries: Codable, Equatable {
            var a = Pair.number(1)
            var b = Pair.list([2, 3])
        }
        try hold(Entries(), "a26161016162820203")
        struct Letters: Codable, Equatable {
            var a = "A"
            var b = "B"
            var c = "C"
        }
        try hold(Letters(), "a3616161416162614261636143")
    }

    @Test("integers and lengths in more bytes than they need are read")
    func longer() throws {
        #expect(try decode(Int.self, bytes("1b0000000000000001")) == 1)
        #expect(try decode(Int.self, bytes("3900 00")) == -1)
        #expect(try decode(Int.self, bytes("c2 43 000001")) == 1)
        #expect(try decode(Int128.self, bytes("c2 52 00000000000000000000000000000000 0007")) == 7)
        #expect(try decode(String.self, bytes("7a00000001 61")) == "a")
        #expect(try decode([Int].self, bytes("9b0000000000000001 07")) == [7])
    }

    @Test(
        "what the RFC has and Swift's types have not is refused",
        arguments: [
            ("f7", "simple value 23"), ("f0", "simple value 16"), ("f8ff", "simple value 255"),
            ("c074323031332d30332d32315432303a30343a30305a", "tag 0"), ("c11a514b67b0", "tag 1"),
            ("d74401020304", "tag 23"), ("d818456449455446", "tag 24"),
            ("d82076687474703a2f2f7777772e6578616d706c652e636f6d", "tag 32"), ("a201020304", "a map's key is not text"),
            ("5f42010243030405ff", "an indefinite length"), ("7f657374726561646d696e67ff", "an indefinite length"),
            ("9fff", "an indefinite length"), ("bf61610161629f0203ffff", "an indefinite length"),
            ("826161bf61626163ff", "an indefinite length"), ("ff", "an indefinite length"), ("1c", "a reserved length"),
        ])
    func refused(digits: String, reason: String) {
        let message = refusal { () throws(WireError) in _ = try decode([String].self, bytes(digits)) }
        #expect(message?.hasPrefix(reason) == true, "\(message ?? "accepted")")
    }
}
