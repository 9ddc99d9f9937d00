public import Optimizers
public import Tensor

/// A table as it is declared, dense or of rows: all that its servers need to make it, each its own partitions.
///
/// ```swift
/// let table = try TableDeclaration(
///     name: "hidden/weight", shape: [784, 512], initializer: .heUniform(fanIn: 784), key: key,
///     updateRule: .adam(learningRate: 1e-3))
/// ```
/// Declaring the same table again does nothing, so that every worker declares; declaring another one of the same name
/// is an error. First values depend on key and place only, and no worker owns them.
public struct TableDeclaration: Sendable, Hashable {
    /// Into how many partitions a table is cut; fixed when it is declared, whatever the number of servers.
    public enum Partitioning: Sendable, Hashable {
        /// That many.
        case count(Int)
        /// As few as keep each within that many bytes of parameters.
        case bytes(Int)
    }

    /// The name, which is the parameter's key everywhere.
    public let name: String
    /// The shape of the whole, or of one row of a row table; the elements are float32.
    public let shape: Shape
    /// What makes the table one of rows; `nil` for a dense one.
    public let rows: RowSettings?
    /// How the first values are made.
    public let initializer: Initializer
    /// The random key of the first values.
    public let key: RandomKey
    /// How gradients change the parameters.
    public let updateRule: UpdateRule
    /// How the rule's learning rate changes with the steps that a partition has taken; its head works the rate out.
    public let schedule: LearningRateSchedule
    /// The number of partitions, each a range of the elements in row-major order, or of a row table the rows whose keys
    /// fall to it by a fixed hash.
    public let partitionCount: Int
    /// How many followers each partition has, which go on with it when its head is lost; each is another server.
    public let replicas: Int
    /// When steps are taken, and what a worker may read beside them.
    public let consistency: Consistency
    /// What becomes of gradients that are not finite. Default: they are refused.
    public var nonFinitePolicy = NonFinitePolicy.reject
    /// How the learning rate falls with the staleness of a push. Default: it does not.
    public var damping: StalenessDamping?

    /// The most partitions of one table: as many as one call's deduplication can name.
    static let maximumPartitionCount = 4_096

    /// Declares a table.
    ///
    /// - Parameters:
    ///   - schedule: default the rule's own rate in every step.
    ///   - partitioning: default 1 MiB a partition, small enough to balance servers and large enough that one message a
    ///     partition is cheap.
    ///   - replicas: default 0, no follower: what its server has in memory alone is lost with it.
    ///   - consistency: default asynchronous: no worker waits for another.
    /// - Throws: ``ParameterServerError/Code/invalidDeclaration`` for an empty name, for fewer partitions than one
    ///   or more than elements, for a negative number of replicas, for a rule whose scope is more than the element, and
    ///   for a consistency that is out of range.
    public init(
        name: String, shape: Shape, initializer: Initializer, key: RandomKey, updateRule: UpdateRule,
        schedule: LearningRateSchedule = .constant, partitioning: Partitioning = .bytes(1 << 20),
        replicas: Int = 0, consistency: Consistency = .asynchronous
    ) throws(ParameterServerError) {
        func invalid(_ reason: String) -> ParameterServerError {
            ParameterServerError(.invalidDeclaration, "table \(name): \(reason)")
        }
        guard !name.isEmpty else { throw invalid("the name is empty") }
        guard replicas >= 0 else { throw invalid("\(replicas) replicas, expected 0 or more") }
        guard updateRule.scope == .element else {
            throw invalid("\(updateRule.kind) needs whole rows, and a dense table is cut between any two elements")
        }
        if let problem = consistency.problem { throw invalid(problem) }
        let bytes = shape.elementCount * DType.float32.byteWidth
        switch partitioning {
        case .count(let count):
            partitionCount = count
        case .bytes(let limit):
            guard limit >= DType.float32.byteWidth else { throw invalid("a partition cannot have \(limit) bytes") }
            // Whole elements: a limit of 10 bytes means partitions of 8.
            let elements = limit / DType.float32.byteWidth
            partitionCount = max(1, (bytes / DType.float32.byteWidth + elements - 1) / elements)
        }
        let most = min(Self.maximumPartitionCount, max(1, shape.elementCount))
        guard (1...most).contains(partitionCount) else {
            throw invalid("\(partitionCount) partitions of \(shape.elementCount) elements, expected 1 to \(most)")
        }
        self.name = name
        self.shape = shape
        self.initializer = initializer
        self.key = key
        self.updateRule = updateRule
        self.schedule = schedule
        self.replicas = replicas
        self.consistency = consistency
        rows = nil
    }

    /// Declares a row table: rows of `rowWidth` elements by key, each of which begins to exist when a push names it.
    ///
    /// ```swift
    /// let table = try TableDeclaration(
    ///     name: "items", rowWidth: 32, rows: TableDeclaration.RowSettings(), initializer: .uniform(low: -0.05, high: 0.05),
    ///     key: key, updateRule: .rowwiseAdagrad(), partitionCount: 8)
    /// ```
    /// - Parameters:
    ///   - schedule: default the rule's own rate in every step; a step is a push to the partition.
    ///   - replicas: default 0, no follower: what its server has in memory alone is lost with it.
    ///   - consistency: default asynchronous: no worker waits for another. Rounds are for dense tables alone.
    /// - Throws: ``ParameterServerError/Code/invalidDeclaration`` for an empty name, for a number of partitions that
    ///   is not 1 to 4,096, for a negative number of replicas, for a row that does not fit into a slab of 16 KiB with
    ///   what the rule remembers of it, for settings and a consistency that are out of range, and for one with rounds.
    public init(
        name: String, rowWidth: Int, rows: RowSettings, initializer: Initializer, key: RandomKey,
        updateRule: UpdateRule, schedule: LearningRateSchedule = .constant, partitionCount: Int = 1, replicas: Int = 0,
        consistency: Consistency = .asynchronous
    ) throws(ParameterServerError) {
        func invalid(_ reason: String) -> ParameterServerError {
            ParameterServerError(.invalidDeclaration, "table \(name): \(reason)")
        }
        guard !name.isEmpty else { throw invalid("the name is empty") }
        guard (1...Self.maximumPartitionCount).contains(partitionCount) else {
            throw invalid("\(partitionCount) partitions, expected 1 to \(Self.maximumPartitionCount)")
        }
        guard replicas >= 0 else { throw invalid("\(replicas) replicas, expected 0 or more") }
        guard RowLayout(width: rowWidth, rule: updateRule) != nil else {
            throw invalid(
                "a row of \(rowWidth) elements with the \(updateRule.slotNames.count) slots of \(updateRule.kind) must be of 1 element or more, and fit into \(RowLayout.slabLimit) bytes"
            )
        }
        if let problem = consistency.problem { throw invalid(problem) }
        guard !consistency.hasRounds else {
            throw invalid("it is of rows, and rounds are for dense tables: declare it asynchronous beside them")
        }
        let problems = rows.problems(width: rowWidth)
        guard problems.isEmpty else { throw invalid(problems.joined(separator: "; ")) }
        do throws(TensorError) {
            shape = try Shape([rowWidth])
        } catch {
            throw invalid(error.message)
        }
        self.name = name
        self.rows = rows
        self.initializer = initializer
        self.key = key
        self.updateRule = updateRule
        self.schedule = schedule
        self.partitionCount = partitionCount
        self.replicas = replicas
        self.consistency = consistency
    }

    /// How the rows lie in memory.
    var rowLayout: RowLayout {
        guard let layout = RowLayout(width: shape.elementCount, rule: updateRule) else {
            preconditionFailure("rows of \(shape) of table \(name), which was declared with others")
        }
        return layout
    }

    /// The elements of a partition, in row-major order. Partitions differ by at most one element. Of a row table none:
    /// its partitions are no ranges.
    public func elements(ofPartition index: Int) -> Range<Int> {
        precondition((0..<partitionCount).contains(index), "partition \(index) of \(partitionCount)")
        guard rows == nil else { return 0..<0 }
        let (base, larger) = shape.elementCount.quotientAndRemainder(dividingBy: partitionCount)
        let lower = index * base + min(index, larger)
        return lower..<lower + base + (index < larger ? 1 : 0)
    }

    /// The first values of a partition's elements, with one axis; of a row table none.
    func initialValues(ofPartition index: Int) throws(TensorError) -> AnyTensor {
        try initializer.values(key: key, elements: elements(ofPartition: index), of: shape)
    }
}
