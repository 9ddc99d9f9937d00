/// One well-formed item and what it holds, as bytes, with an index of where its arrays and maps end.
///
/// Looked through once, without recursion, in time and memory that are linear in the bytes: what a length or a count
/// says is held against the bytes that are there before anything else is done with it. Whoever reads an element steps
/// over the others by the index, so that no part of the bytes is gone through again for each level above it.
final class CBORDocument {
    let bytes: [UInt8]

    /// Where an array or a map ends that is not empty, in the order in which they begin.
    private let ends: [CBORPosition]

    /// The whole.
    var root: CBORItem { CBORItem(document: self, position: CBORPosition(byte: 0, container: 0)) }

    /// Throws ``WireError`` unless `bytes` are one item that this library reads.
    init(_ bytes: [UInt8]) throws(WireError) {
        var scan = CBORScan(bytes)
        ends = try scan.run()
        self.bytes = bytes
    }

    /// The head of the item at `position`, which is one that the index leads to.
    func head(at position: CBORPosition) -> CBORHead {
        // The scan has found it whole.
        CBORHead(in: bytes, at: Int(position.byte))!
    }

    /// Where the item begins that follows the one at `position`.
    func position(after position: CBORPosition) -> CBORPosition {
        let head = head(at: position)
        switch head.type {
        case .unsigned, .negative, .simple:
            return position.advanced(by: head.length)
        case .bytes, .text:
            return position.advanced(by: head.length + Int(head.argument))
        case .tag:
            return self.position(after: position.advanced(by: head.length))
        case .array, .map:
            return head.argument == 0 ? position.advanced(by: head.length) : ends[Int(position.container)]
        }
    }

    /// Where the first element or key of the array or map at `position` begins.
    func firstPosition(in position: CBORPosition) -> CBORPosition {
        var first = position.advanced(by: head(at: position).length)
        first.container += 1
        return first
    }
}

/// Where an item begins.
struct CBORPosition {
    /// Its first byte.
    var byte: UInt32
    /// How many arrays and maps begin before it that are not empty.
    var container: UInt32

    func advanced(by bytes: Int) -> CBORPosition {
        CBORPosition(byte: byte + UInt32(bytes), container: container)
    }
}
