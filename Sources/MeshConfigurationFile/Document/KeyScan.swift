/// Finds keys of mappings that aliases may make large, before anything is built of a document.
///
/// A document is read into nodes by code that hashes every key; a key that is a list of aliases to lists of aliases would be
/// walked through in full, which takes longer than anybody waits. No setting has such a key. What is looked for is what every
/// one of them has to have (`? `, `*alias :`, `]:` and `}:` with an alias before), by bytes and without knowing what is a
/// quotation or a comment: it may find too much, never too little.
struct KeyScan {
    /// What was found.
    struct Finding: Equatable {
        let line: Int
        let column: Int
    }

    /// The bytes of 1,024 characters, and a few.
    private static let longestKey = 4_200

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The first key that may be so. O(bytes).
    var finding: Finding? {
        var (line, lineStart) = (1, 0)
        // Where the last alias of the line is.
        var alias = -Self.longestKey
        for (index, byte) in bytes.enumerated() {
            let isKey: Bool
            switch byte {
            case UInt8(ascii: "\n"):
                (line, lineStart, alias) = (line + 1, index + 1, -Self.longestKey)
                isKey = false
            case UInt8(ascii: "?"): isKey = beginsToken(index)
            case UInt8(ascii: "*"):
                let name = bytes[(index + 1)...].prefix { Self.isNameByte($0) }
                if !name.isEmpty { alias = index }
                isKey = !name.isEmpty && isFollowedByColon(name.endIndex)
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                // Such a key is on one line, with at most 1,024 characters; one without an alias is no larger than that.
                isKey = index - alias < Self.longestKey && isFollowedByColon(index + 1)
            default: isKey = false
            }
            if isKey { return Finding(line: line, column: index - lineStart + 1) }
        }
        return nil
    }

    private func beginsToken(_ index: Int) -> Bool {
        guard index > 0 else { return true }
        return Self.isBlank(bytes[index - 1]) || "[{,".utf8.contains(bytes[index - 1])
    }

    private func isFollowedByColon(_ index: Int) -> Bool {
        bytes[index...].first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } == UInt8(ascii: ":")
    }

    private static func isBlank(_ byte: UInt8) -> Bool { " \t\r\n".utf8.contains(byte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
