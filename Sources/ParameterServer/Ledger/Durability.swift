/// What an applied push survives; every reply names it.
public struct Durability: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt32

    /// The durability of this number, known here or not.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// In the server's memory: it survives nothing.
    public static let memory = Durability(rawValue: 1)

    /// The name, or the number where it has none here.
    public var description: String { self == .memory ? "memory" : "durability \(rawValue)" }
}
