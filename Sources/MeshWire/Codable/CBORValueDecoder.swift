/// What a type decodes itself from: an item, and where it is in the whole.
struct CBORValueDecoder: Decoder {
    let item: CBORItem
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard item.head.type == .map else { throw item.error(.type, [String: Any].self, at: path) }
        return KeyedDecodingContainer(
            CBORKeyedDecodingContainer(
                document: item.document, index: try CBORKeyIndex(item, at: path), path: path))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard item.head.type == .array else { throw item.error(.type, [Any].self, at: path) }
        return CBORUnkeyedDecodingContainer(item, at: path)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        CBORSingleValueDecodingContainer(item: item, path: path)
    }
}

/// A map's values by their keys; those that nobody asks for are stepped over.
struct CBORKeyedDecodingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let document: CBORDocument
    let index: CBORKeyIndex
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }
    var allKeys: [Key] { index.keys.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { index.position(of: key.stringValue) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try item(key).isNull }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try item(key).decode(type, at: path.appending(key))
    }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 {
        try item(key).decode(type, at: path.appending(key))
    }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
        try item(key).decode(type, at: path.appending(key))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try decoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { try decoder(SuperKey()) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }

    private func decoder(_ key: any CodingKey) throws -> CBORValueDecoder {
        CBORValueDecoder(item: try item(key), path: path.appending(key))
    }

    private func item(_ key: any CodingKey) throws -> CBORItem {
        guard let position = index.position(of: key.stringValue) else {
            throw DecodingError.keyNotFound(
                key,
                DecodingError.Context(codingPath: path.keys, debugDescription: "there is no key \"\(key.stringValue)\"")
            )
        }
        return CBORItem(document: document, position: position)
    }
}

/// An array's elements, one after the other; one that cannot be read is not stepped over.
struct CBORUnkeyedDecodingContainer: UnkeyedDecodingContainer {
    private let document: CBORDocument
    private let path: CodingPath
    private let elements: Int
    private var next: CBORPosition
    private(set) var currentIndex = 0

    var codingPath: [any CodingKey] { path.keys }
    var count: Int? { elements }
    var isAtEnd: Bool { currentIndex == elements }

    init(_ array: CBORItem, at path: CodingPath) {
        document = array.document
        self.path = path
        elements = Int(array.head.argument)
        next = array.document.firstPosition(in: array.position)
    }

    mutating func decodeNil() throws -> Bool {
        guard try element(Any?.self).isNull else { return false }
        step()
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try read(type) }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try read(type) }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try read(type) }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        let container = try decoder([String: Any].self).container(keyedBy: type)
        step()
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try decoder([Any].self).unkeyedContainer()
        step()
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try decoder((any Decoder).self)
        step()
        return decoder
    }

    private mutating func read<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try element(type).decode(type, at: path.appending(IndexKey(currentIndex)))
        step()
        return value
    }

    private func decoder(_ type: any Any.Type) throws -> CBORValueDecoder {
        CBORValueDecoder(item: try element(type), path: path.appending(IndexKey(currentIndex)))
    }

    private func element(_ type: any Any.Type) throws -> CBORItem {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type,
                DecodingError.Context(
                    codingPath: path.appending(IndexKey(currentIndex)).keys,
                    debugDescription: "expected \(type), the array has \(elements) elements"))
        }
        return CBORItem(document: document, position: next)
    }

    private mutating func step() {
        next = document.position(after: next)
        currentIndex += 1
    }
}

/// The item itself.
struct CBORSingleValueDecodingContainer: SingleValueDecodingContainer {
    let item: CBORItem
    let path: CodingPath

    var codingPath: [any CodingKey] { path.keys }

    func decodeNil() -> Bool { item.isNull }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try item.decode(type, at: path) }
    func decode(_ type: Int128.Type) throws -> Int128 { try item.decode(type, at: path) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try item.decode(type, at: path) }
}
