/// The keys of a map and where their values are, in the order of the bytes.
///
/// Types read their keys in the order in which they were written, nearly always, so that the next key is looked at
/// first. Otherwise a few are compared one by one and many are hashed: a map of n keys is read in time that is linear
/// in n, whoever chose the keys.
final class CBORKeyIndex {
    private static let mostCompared = 16

    private let entries: [(key: String, value: CBORPosition)]
    /// The entries' indices by key, where there are many.
    private let indices: [String: Int]
    /// The entry that was found last.
    private var latest = 0

    var keys: [String] { entries.map(\.key) }

    /// Throws `DecodingError` if `map`, which is one, has a key twice.
    init(_ map: CBORItem, at path: CodingPath) throws {
        let document = map.document
        var entries: [(key: String, value: CBORPosition)] = []
        var indices: [String: Int] = [:]
        let count = Int(map.head.argument)
        entries.reserveCapacity(count)
        var position = document.firstPosition(in: map.position)
        for index in 0..<count {
            let key = CBORItem(document: document, position: position).text!
            let isNew =
                count <= Self.mostCompared
                ? !entries.contains { $0.key == key } : indices.updateValue(index, forKey: key) == nil
            guard isNew else {
                throw DecodingError.dataCorrupted(
                    DecodingError.Context(codingPath: path.keys, debugDescription: "a map has the key \"\(key)\" twice")
                )
            }
            let value = document.position(after: position)
            entries.append((key, value))
            position = document.position(after: value)
        }
        self.entries = entries
        self.indices = indices
    }

    /// Where the value of `key` is; `nil` if there is none.
    func position(of key: String) -> CBORPosition? {
        // An optional value's key is asked for again and again: whether it is there, whether it is null, what it is.
        for near in latest...(latest + 1) where near < entries.count && entries[near].key == key {
            latest = near
            return entries[near].value
        }
        let found = indices.isEmpty ? entries.firstIndex { $0.key == key } : indices[key]
        guard let found else { return nil }
        latest = found
        return entries[found].value
    }
}
