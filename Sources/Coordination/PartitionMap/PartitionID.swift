/// A partition's number: the scope of its pushes' sequence numbers. Never given to another partition.
public struct PartitionID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The number, from 1 on.
    public let rawValue: UInt64

    /// The partition with this number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Orders by number.
    public static func < (left: PartitionID, right: PartitionID) -> Bool { left.rawValue < right.rawValue }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}

/// A partition's place: the table that it is a part of, and which part.
public struct PartitionName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The table.
    public var table: String
    /// The part, from 0 on.
    public var index: Int

    /// Part `index` of `table`.
    public init(table: String, index: Int) {
        self.table = table
        self.index = index
    }

    /// Orders by table, then by index.
    public static func < (left: PartitionName, right: PartitionName) -> Bool {
        (left.table, left.index) < (right.table, right.index)
    }

    /// `table#index`.
    public var description: String { "\(table)#\(index)" }
}
