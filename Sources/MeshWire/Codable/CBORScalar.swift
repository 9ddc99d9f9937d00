/// A value that is one item of CBOR and holds no others.
protocol CBORScalar {
    func write(to writer: inout CBORWriter)

    static func read(_ item: CBORItem) throws(CBORMisfit) -> Self
}

/// The same type, if its values are scalars. One after the other, since a cast to the protocol takes many times as long.
func scalarType(_ type: any Any.Type) -> (any CBORScalar.Type)? {
    if type == String.self { return String.self }
    if type == Double.self { return Double.self }
    if type == Int.self { return Int.self }
    if type == Bool.self { return Bool.self }
    if type == Float.self { return Float.self }
    if type == UInt8.self { return UInt8.self }
    if type == Int32.self { return Int32.self }
    if type == UInt32.self { return UInt32.self }
    if type == Int64.self { return Int64.self }
    if type == UInt64.self { return UInt64.self }
    if type == UInt.self { return UInt.self }
    if type == Int16.self { return Int16.self }
    if type == UInt16.self { return UInt16.self }
    if type == Int8.self { return Int8.self }
    if type == Int128.self { return Int128.self }
    if type == UInt128.self { return UInt128.self }
    return nil
}

/// Why an item is not read as a scalar.
enum CBORMisfit: Error {
    /// It is something else.
    case type
    /// It is a number that the type does not have.
    case range
}

extension CBORScalar where Self: FixedWidthInteger {
    func write(to writer: inout CBORWriter) { writer.integer(self) }

    static func read(_ item: CBORItem) throws(CBORMisfit) -> Self {
        guard item.isInteger else { throw .type }
        guard let value: Self = item.integer() else { throw .range }
        return value
    }
}

extension Int: CBORScalar {}
extension Int8: CBORScalar {}
extension Int16: CBORScalar {}
extension Int32: CBORScalar {}
extension Int64: CBORScalar {}
extension Int128: CBORScalar {}
extension UInt: CBORScalar {}
extension UInt8: CBORScalar {}
extension UInt16: CBORScalar {}
extension UInt32: CBORScalar {}
extension UInt64: CBORScalar {}
extension UInt128: CBORScalar {}

extension Double: CBORScalar {
    func write(to writer: inout CBORWriter) { writer.double(self) }

    /// A number of any width: all of them fit.
    static func read(_ item: CBORItem) throws(CBORMisfit) -> Double {
        guard let value = item.float else { throw .type }
        return value
    }
}

extension Float: CBORScalar {
    func write(to writer: inout CBORWriter) { writer.float(self) }

    /// A number of any width that is the same as a `Float`.
    static func read(_ item: CBORItem) throws(CBORMisfit) -> Float {
        // Bit by bit where it is one: a signaling NaN stays one.
        if item.head.type == .simple, item.head.information == CBORHead.float {
            return Float(bitPattern: UInt32(truncatingIfNeeded: item.head.argument))
        }
        guard let value = item.float else { throw .type }
        guard let narrow = value.isNaN ? Float(value) : Float(exactly: value) else { throw .range }
        return narrow
    }
}

extension Bool: CBORScalar {
    func write(to writer: inout CBORWriter) { writer.bool(self) }

    static func read(_ item: CBORItem) throws(CBORMisfit) -> Bool {
        guard item.isSimple(CBORHead.yes) || item.isSimple(CBORHead.no) else { throw .type }
        return item.isSimple(CBORHead.yes)
    }
}

extension String: CBORScalar {
    func write(to writer: inout CBORWriter) { writer.text(self) }

    static func read(_ item: CBORItem) throws(CBORMisfit) -> String {
        guard let text = item.text else { throw .type }
        return text
    }
}
