import Synchronization

/// A `Codable` type whose name on the wire is of its own choice.
///
/// Needed where client and server declare the type in different modules, or where it is to be renamed or moved:
///
/// ```swift
/// extension Basket: NamedCodable {
///     static let codableName = "shop.Basket"
/// }
/// ```
/// The name is that of the type as a message itself; inside another type's name, such as `Array`'s, Swift's own is used.
public protocol NamedCodable: Codable {
    /// The name, unique among the types that travel.
    static var codableName: String { get }
}

/// The name that a type of the host's own has as a message.
func codableMessageName(of type: any Any.Type) -> String {
    let key = ObjectIdentifier(type)
    // Each call asks for it, and Swift puts a type's name together anew each time.
    if let name = codableMessageNames.withLock({ $0[key] }) { return name }
    let name = "codable/" + ((type as? any NamedCodable.Type)?.codableName ?? stableName(of: type))
    codableMessageNames.withLock { $0[key] = name }
    return name
}

/// The names that have been asked for.
private let codableMessageNames = Mutex<[ObjectIdentifier: String]>([:])

/// The name of a type with its module, the same in every process.
///
/// For a file or a function, which have no names, Swift writes the address that it has in this process; it is left out.
private func stableName(of type: any Any.Type) -> String {
    let name = String(reflecting: type)
    guard name.utf8.contains(UInt8(ascii: "$")) else { return name }
    var stable = ""
    var rest = name[...]
    while let start = rest.firstRange(of: "(unknown context at $"),
        let end = rest[start.upperBound...].firstRange(of: ").")
    {
        stable += rest[..<start.lowerBound]
        rest = rest[end.upperBound...]
    }
    return stable + rest
}
