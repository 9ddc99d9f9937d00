public import Tensor

/// What a ``ServerFunction`` sees of one partition, and what an updating one may change.
public struct PartitionValues: Sendable {
    /// The table's name.
    public let table: String
    /// Which of the table's partitions it is, from 0 on.
    public let partition: Int
    /// How many the table has.
    public let partitionCount: Int
    /// The shape of the table, or of one row of a row table.
    public let shape: Shape
    /// The partition's elements in the table, in row-major order; empty for a row table.
    public let elements: Range<Int>
    /// The keys of the rows, each once and in ascending order: those of the call that exist. Empty for a dense table.
    public let keys: [UInt64]
    /// The parameters: `[elements]` of a dense table, `[rows, width]` of a row table in the order of ``keys``.
    public var parameters: Tensor<Float>
    /// What the update rule remembers of the elements, by the names that the rule gives it (``/Optimizers/UpdateRule``'s
    /// `slotNames`), each `[elements]`. Empty for a row table, whose rows keep theirs.
    public var slots: [String: Tensor<Float>]
    /// The steps that the update rule has taken. A function takes none.
    public let stepCount: Int
    /// The partition's version before the function.
    public let version: PartitionVersion
    /// The key of what an updating function draws: another one for each call and partition, and the same wherever and
    /// whenever that call is run. For a reading function it follows from the version alone.
    public let key: RandomKey

    package init(
        table: String, partition: Int = 0, partitionCount: Int = 1, shape: Shape, elements: Range<Int>, keys: [UInt64],
        parameters: Tensor<Float>, slots: [String: Tensor<Float>], stepCount: Int, version: PartitionVersion,
        key: RandomKey
    ) {
        self.table = table
        self.partition = partition
        self.partitionCount = partitionCount
        self.shape = shape
        self.elements = elements
        self.keys = keys
        self.parameters = parameters
        self.slots = slots
        self.stepCount = stepCount
        self.version = version
        self.key = key
    }
}
