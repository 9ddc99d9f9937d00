/// A value in the making: what its type has encoded so far.
///
/// A value's items are written as its type encodes them, and go behind those of its parent when it is done. A nested
/// container may be written to in any order with its parent, so what it has is put in its place at the end.
///
/// The protocols of the standard library let a type make mistakes in functions that do not throw. Such a fault is kept,
/// and thrown by what the type encodes next, or at the end.
final class CBOREncodingNode {
    /// What the value is.
    enum Form {
        /// Nothing yet; at the end, a map without entries.
        case open
        case scalar, array, map
    }

    let path: CodingPath
    /// The elements or entries so far.
    private(set) var count = 0
    /// The arrays and maps that the value is in, itself included.
    private let depth: Int
    private var form = Form.open
    private var keys = KeySet()
    private var writer = CBORWriter()
    private var nested: [(offset: Int, node: CBOREncodingNode)] = []
    private var fault: EncodingError?

    init(path: CodingPath = CodingPath(), depth: Int = 1) {
        self.path = path
        self.depth = depth
    }

    /// Makes it an array or a map, unless it is one already.
    func become(_ form: Form) {
        guard self.form != form, fault == nil else { return }
        if self.form != .open {
            fault = invalid(CBOREncodingNode.twoValues)
        } else if depth > CBORHead.largestDepth {
            fault = invalid("values are nested more than \(CBORHead.largestDepth) deep")
        } else {
            self.form = form
        }
    }

    /// Makes it what `value` is.
    func set(_ value: some Encodable) throws {
        if try write(value, at: nil) { return }
        guard form == .open else { throw invalid(CBOREncodingNode.twoValues) }
        try value.encode(to: CBORValueEncoder(node: self))
    }

    /// Makes it null.
    func setNull() throws {
        try begin(nil)
        writer.null()
    }

    /// Adds an element, or the value of `key`; nothing if it throws.
    func append(_ value: some Encodable, at key: any CodingKey) throws {
        if try write(value, at: key) { return }
        if let fault { throw fault }
        let child = child(at: key)
        try value.encode(to: CBORValueEncoder(node: child))
        if let fault = child.firstFault { throw fault }
        try begin(key)
        child.finish(into: &writer)
    }

    /// Adds a null.
    func appendNull(at key: any CodingKey) throws {
        try begin(key)
        writer.null()
    }

    /// Adds an element, or the value of `key`, that is encoded later. Where it cannot be added, what is encoded later
    /// throws the fault that this node has.
    func appendNested(at key: any CodingKey) -> CBOREncodingNode {
        do throws(EncodingError) {
            try begin(key)
        } catch {
            fault = fault ?? error
            return self
        }
        let child = child(at: key)
        nested.append((writer.bytes.count, child))
        return child
    }

    /// The value, encoded.
    func finish() throws(EncodingError) -> [UInt8] {
        if let fault = firstFault { throw fault }
        var whole = CBORWriter()
        finish(into: &whole)
        return whole.bytes
    }
}

extension CBOREncodingNode {
    private static let twoValues = "one value is encoded as two"

    /// Writes a value that is one item: as the whole, or behind its key. Returns whether it is one.
    private func write<Value: Encodable>(_ value: Value, at key: (any CodingKey)?) throws(EncodingError) -> Bool {
        if let scalar = scalarType(Value.self) {
            try begin(key)
            write(value, as: scalar)
            return true
        }
        // An empty array of anything can be cast to one of bytes.
        guard Value.self == [UInt8].self, let bytes = value as? [UInt8] else { return false }
        try begin(key)
        writer.bytes(bytes)
        return true
    }

    private func write<Scalar: CBORScalar>(_ value: some Encodable, as type: Scalar.Type) {
        (value as! Scalar).write(to: &writer)
    }

    /// Makes way for an item: the whole, an element, or the value of `key`.
    private func begin(_ key: (any CodingKey)?) throws(EncodingError) {
        if let fault { throw fault }
        guard let key else {
            guard form == .open else { throw invalid(Self.twoValues) }
            form = .scalar
            return
        }
        if form == .map {
            guard keys.insert(key.stringValue) else { throw invalid("a key is encoded twice", at: key) }
            writer.text(key.stringValue)
        }
        count += 1
    }

    private func child(at key: any CodingKey) -> CBOREncodingNode {
        CBOREncodingNode(path: path.appending(key), depth: depth + 1)
    }

    /// What is wrong with the value, or with what is nested in it.
    private var firstFault: EncodingError? {
        if let fault { return fault }
        for (_, node) in nested { if let fault = node.firstFault { return fault } }
        return nil
    }

    private func finish(into whole: inout CBORWriter) {
        switch form {
        case .open, .map: whole.head(.map, UInt64(count))
        case .array: whole.head(.array, UInt64(count))
        case .scalar: break
        }
        var written = 0
        for (offset, node) in nested {
            whole.items(writer.bytes[written..<offset])
            node.finish(into: &whole)
            written = offset
        }
        whole.items(writer.bytes[written...])
    }

    private func invalid(_ reason: String, at key: (any CodingKey)? = nil) -> EncodingError {
        let keys = (key.map(path.appending) ?? path).keys
        return .invalidValue(keys, EncodingError.Context(codingPath: keys, debugDescription: reason))
    }
}
