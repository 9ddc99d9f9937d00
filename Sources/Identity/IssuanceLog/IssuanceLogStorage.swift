/// Where the entries of an issuance log are kept, in their order: append and read, nothing else.
public protocol IssuanceLogStorage: Sendable {
    /// How many entries there are.
    var count: UInt64 { get }

    /// Keeps an entry behind all others, so that it is there after a crash when this returns. On an error nothing has
    /// changed.
    mutating func append(_ entry: [UInt8]) throws

    /// The entry at an index below ``count``.
    func entry(at index: UInt64) throws -> [UInt8]
}

/// Entries in memory, which end with the process: for development meshes and tests.
public struct InMemoryIssuanceLogStorage: IssuanceLogStorage {
    private var entries: [[UInt8]] = []

    /// Makes an empty store.
    public init() {}

    /// How many entries there are.
    public var count: UInt64 { UInt64(entries.count) }

    /// Keeps an entry.
    public mutating func append(_ entry: [UInt8]) {
        entries.append(entry)
    }

    /// The entry at an index.
    ///
    /// - Precondition: `index` is below ``count``.
    public func entry(at index: UInt64) -> [UInt8] {
        entries[Int(index)]
    }
}
