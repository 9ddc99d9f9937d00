/// Finds aliases before anything is built of a document: a few lines of aliases to lists of aliases stand for more
/// values than anybody has time to look at, and as a key they are looked at before they can be counted. No setting
/// needs one.
///
/// By bytes, without knowing what is a quotation or a comment: what is written like an alias there, `" *name"`, is found as
/// well; an alias that is one is found always, since it stands where a token begins.
struct AliasScan {
    /// What was found.
    struct Finding: Equatable {
        let line: Int
        let column: Int
    }

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The first alias. O(bytes).
    var finding: Finding? {
        var (line, lineStart) = (1, 0)
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") { (line, lineStart) = (line + 1, index + 1) }
            guard byte == UInt8(ascii: "*"), index + 1 < bytes.count, Self.isNameByte(bytes[index + 1]),
                beginsToken(index)
            else { continue }
            return Finding(line: line, column: index - lineStart + 1)
        }
        return nil
    }

    /// After nothing, a blank, a line's end of any kind, or what may stand before a token without a blank.
    private func beginsToken(_ index: Int) -> Bool {
        guard index > 0 else { return true }
        switch bytes[index - 1] {
        // Not in the middle of a word; all others, and whatever is beyond ASCII, may.
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "*"), UInt8(ascii: "\""), UInt8(ascii: "'"):
            return false
        default: return true
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
