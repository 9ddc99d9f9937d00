/// What a type encodes itself to.
struct CBORValueEncoder: Encoder {
    let node: CBOREncodingNode

    var codingPath: [any CodingKey] { node.path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.become(.map)
        return KeyedEncodingContainer(CBORKeyedEncodingContainer(node: node))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.become(.array)
        return CBORUnkeyedEncodingContainer(node: node)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        CBORSingleValueEncodingContainer(node: node)
    }
}

/// Values with keys, as a map. The one generic function is what the protocol asks for, for each scalar as well.
struct CBORKeyedEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: CBOREncodingNode

    var codingPath: [any CodingKey] { node.path.keys }

    func encodeNil(forKey key: Key) throws { try node.appendNull(at: key) }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { try node.append(value, at: key) }
    func encode(_ value: Int128, forKey key: Key) throws { try node.append(value, at: key) }
    func encode(_ value: UInt128, forKey key: Key) throws { try node.append(value, at: key) }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        CBORValueEncoder(node: node.appendNested(at: key)).container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        CBORValueEncoder(node: node.appendNested(at: key)).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { CBORValueEncoder(node: node.appendNested(at: SuperKey())) }
    func superEncoder(forKey key: Key) -> any Encoder { CBORValueEncoder(node: node.appendNested(at: key)) }
}

/// Values in order, as an array.
struct CBORUnkeyedEncodingContainer: UnkeyedEncodingContainer {
    let node: CBOREncodingNode

    var codingPath: [any CodingKey] { node.path.keys }
    var count: Int { node.count }

    func encodeNil() throws { try node.appendNull(at: IndexKey(count)) }

    func encode<Value: Encodable>(_ value: Value) throws { try node.append(value, at: IndexKey(count)) }
    func encode(_ value: Int128) throws { try node.append(value, at: IndexKey(count)) }
    func encode(_ value: UInt128) throws { try node.append(value, at: IndexKey(count)) }

    func nestedContainer<NestedKey: CodingKey>(keyedBy keyType: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        CBORValueEncoder(node: node.appendNested(at: IndexKey(count))).container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        CBORValueEncoder(node: node.appendNested(at: IndexKey(count))).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { CBORValueEncoder(node: node.appendNested(at: IndexKey(count))) }
}

/// A value that is as another one.
struct CBORSingleValueEncodingContainer: SingleValueEncodingContainer {
    let node: CBOREncodingNode

    var codingPath: [any CodingKey] { node.path.keys }

    func encodeNil() throws { try node.setNull() }

    func encode<Value: Encodable>(_ value: Value) throws { try node.set(value) }
    func encode(_ value: Int128) throws { try node.set(value) }
    func encode(_ value: UInt128) throws { try node.set(value) }
}
