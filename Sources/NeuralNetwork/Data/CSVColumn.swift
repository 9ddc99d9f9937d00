/// What a column of a CSV file means: numbers, or categories that become indices.
public struct CSVColumn: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case number(missing: Float?)
        case category([String: Int32], unknown: Int32?, missing: Int32?)
        case hash(buckets: Int, missing: Int32?)
    }

    /// The column's name in the file's header.
    public let name: String
    let kind: Kind

    /// Finite decimal numbers, such as `-12`, `3.5` and `1e-3`.
    ///
    /// - Parameter missing: What stands for a missing one. Default: a missing one is an error.
    public static func number(_ name: String, missing: Float? = nil) -> CSVColumn {
        CSVColumn(name: name, kind: .number(missing: missing))
    }

    /// One of some values, each with its index. ``CSVFile/vocabulary(of:maximumValues:)`` makes the indices of a file's
    /// values; two spellings of one value may share an index.
    ///
    /// - Parameters:
    ///   - vocabulary: The index of each value.
    ///   - unknown: The index of a value that is not in the vocabulary. Default: one is an error.
    ///   - missing: The index of a missing value that is not in the vocabulary. Default: one is an error.
    public static func category(
        _ name: String, _ vocabulary: [String: Int32], unknown: Int32? = nil, missing: Int32? = nil
    ) -> CSVColumn {
        CSVColumn(name: name, kind: .category(vocabulary, unknown: unknown, missing: missing))
    }

    /// Any text, as the remainder of its bytes' 64-bit FNV-1a hash divided by `buckets`: the same in every process, on every
    /// machine and in other languages. (G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV non-cryptographic hash
    /// algorithm", IETF draft.)
    ///
    /// - Parameters:
    ///   - buckets: The number of indices, 1 to 2³¹ - 1; traps for others.
    ///   - missing: The index of a missing value. Default: one is hashed as what stands there.
    public static func hashed(_ name: String, buckets: Int, missing: Int32? = nil) -> CSVColumn {
        precondition((1...Int(Int32.max)).contains(buckets), "\(buckets) buckets of column \(name)")
        return CSVColumn(name: name, kind: .hash(buckets: buckets, missing: missing))
    }

    /// What a value becomes.
    enum Value: Equatable {
        case number(Float)
        case index(Int32)
    }

    /// The value of a field, or what is wrong with it.
    func value(of bytes: ArraySlice<UInt8>, isMissing: Bool) throws(Unreadable) -> Value {
        switch kind {
        case .number(let missing):
            if isMissing {
                guard let missing else { throw Unreadable("a number is missing, and nothing stands for it") }
                return .number(missing)
            }
            guard let number = Self.number(bytes) else {
                throw Unreadable("\(Self.quoted(bytes)) is no finite decimal number")
            }
            return .number(number)
        case .category(let vocabulary, let unknown, let missing):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Unreadable("\(Self.quoted(bytes)) is not UTF-8")
            }
            if let index = vocabulary[text] { return .index(index) }
            guard let index = isMissing ? missing : unknown else {
                let what = isMissing ? "a value is missing" : "\(Self.quoted(bytes)) is not in the vocabulary"
                throw Unreadable("\(what) of \(vocabulary.count) values, and no index stands for it")
            }
            return .index(index)
        case .hash(let buckets, let missing):
            if isMissing, let missing { return .index(missing) }
            return .index(Int32(Self.hash(bytes) % UInt64(buckets)))
        }
    }

    struct Unreadable: Error {
        let message: String
        init(_ message: String) { self.message = message }
    }

    /// Swift's parser takes `nan`, `inf` and hexadecimal numbers too.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Float? {
        let isDecimal = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                true
            default: false
            }
        }
        guard isDecimal, let number = Float(String(decoding: bytes, as: UTF8.self)), number.isFinite else { return nil }
        return number
    }

    static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// The beginning of a value, for a message of one line.
    static func quoted(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes.prefix(40), as: UTF8.self)
        return text.debugDescription + (bytes.count > 40 ? "…" : "")
    }
}
