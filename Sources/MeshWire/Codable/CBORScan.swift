/// Looks through bytes from outside, once, for what a ``CBORDocument`` may not be.
///
/// Refused, besides bytes that are no CBOR: lengths that are not said in advance, which no deterministic encoding has;
/// tags, since they change what the item means, but for those of large integers; keys of maps that are not text;
/// `undefined` and other simple values that Swift has no value for; and nesting deeper than ``CBORHead/largestDepth``.
struct CBORScan {
    /// An array or a map whose end has not been found.
    private struct Open {
        /// Its place among the ends.
        let container: Int
        let isMap: Bool
        /// The elements, or the keys and values, that are missing.
        var remaining: Int
    }

    private let bytes: [UInt8]
    private var index = 0
    private var open: [Open] = []
    private var ends: [CBORPosition] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The ends of all arrays and maps that are not empty, in the order in which they begin.
    mutating func run() throws(WireError) -> [CBORPosition] {
        guard UInt32(exactly: bytes.count) != nil else {
            throw WireError(.tooLarge, "\(bytes.count) bytes of CBOR are more than 4 GiB")
        }
        repeat {
            if try item() { close() }
        } while !open.isEmpty
        guard index == bytes.count else {
            throw WireError(.malformed, "\(bytes.count - index) bytes follow the value, at byte \(index)")
        }
        return ends
    }

    /// Reads an item; an array or a map up to its first element. Returns whether it is complete.
    private mutating func item() throws(WireError) -> Bool {
        let start = index
        let head = try head()
        if let parent = open.last, parent.isMap, parent.remaining % 2 == 0, head.type != .text {
            throw WireError(.malformed, "a map's key is not text, at byte \(start)")
        }
        switch head.type {
        case .unsigned, .negative: break
        case .bytes: _ = try content(head, of: start)
        case .text:
            guard isText(try content(head, of: start)) else {
                throw WireError(.malformed, "text is not UTF-8, at byte \(start)")
            }
        case .array, .map: return try !begin(head, at: start)
        case .tag: try largeInteger(head, at: start)
        case .simple: try simple(head, at: start)
        }
        return true
    }

    private mutating func head() throws(WireError) -> CBORHead {
        guard let head = CBORHead(in: bytes, at: index) else {
            throw WireError(.truncated, "the value ends inside an item, at byte \(bytes.count)")
        }
        guard head.information < 28 else {
            let what = head.information == CBORHead.indefinite ? "an indefinite length" : "a reserved length"
            throw WireError(.malformed, "\(what) is refused, at byte \(index)")
        }
        index += head.length
        return head
    }

    /// Steps over the bytes of a string.
    private mutating func content(_ head: CBORHead, of start: Int) throws(WireError) -> Range<Int> {
        guard head.argument <= UInt64(bytes.count - index) else {
            throw WireError(
                .truncated, "\(head.argument) bytes are announced at byte \(start), \(bytes.count - index) are left")
        }
        let content = index..<(index + Int(head.argument))
        index = content.upperBound
        return content
    }

    /// Begins an array or a map. Returns whether it has anything in it.
    private mutating func begin(_ head: CBORHead, at start: Int) throws(WireError) -> Bool {
        guard open.count < CBORHead.largestDepth else {
            throw WireError(.tooLarge, "values are nested more than \(CBORHead.largestDepth) deep, at byte \(start)")
        }
        // Each item takes a byte at least.
        let isMap = head.type == .map
        let most = (bytes.count - index) / (isMap ? 2 : 1)
        guard head.argument <= UInt64(most) else {
            throw WireError(
                .truncated,
                "\(head.argument) \(isMap ? "entries" : "elements") are announced at byte \(start), "
                    + "\(bytes.count - index) bytes are left")
        }
        guard head.argument > 0 else { return false }
        open.append(Open(container: ends.count, isMap: isMap, remaining: Int(head.argument) * (isMap ? 2 : 1)))
        ends.append(CBORPosition(byte: 0, container: 0))
        return true
    }

    /// Counts an item as read, and with it the arrays and maps that it completes.
    private mutating func close() {
        while let last = open.indices.last {
            open[last].remaining -= 1
            guard open[last].remaining == 0 else { return }
            ends[open[last].container] = CBORPosition(byte: UInt32(index), container: UInt32(ends.count))
            open.removeLast()
        }
    }

    /// A tag is refused but for those of large integers, whose bytes follow it.
    private mutating func largeInteger(_ tag: CBORHead, at start: Int) throws(WireError) {
        guard tag.argument == CBORHead.largeUnsigned || tag.argument == CBORHead.largeNegative else {
            throw WireError(.malformed, "tag \(tag.argument) is refused, at byte \(start)")
        }
        let magnitude = try head()
        guard magnitude.type == .bytes else {
            throw WireError(.malformed, "a large integer has no bytes, at byte \(start)")
        }
        _ = try content(magnitude, of: start)
    }

    private func simple(_ head: CBORHead, at start: Int) throws(WireError) {
        if head.information >= CBORHead.half { return }
        guard head.information < 24, (CBORHead.no...CBORHead.null).contains(head.argument) else {
            throw WireError(.malformed, "simple value \(head.argument) is refused, at byte \(start)")
        }
    }

    private func isText(_ content: Range<Int>) -> Bool {
        // Most text is ASCII, which needs no second look.
        if bytes[content].allSatisfy({ $0 < 0x80 }) { return true }
        return String(validating: bytes[content], as: UTF8.self) != nil
    }
}
