/// A table of which few rows are not 0: those rows, and their numbers. The gradient of an embedding is one.
///
/// ```swift
/// var gradient = try RowSparse(indices: tokens, values: cotangents, rowCount: vocabulary)
/// gradient = try gradient.coalesced()
/// try gradient.scaled(by: -learningRate).add(to: &table)
/// ```
///
/// A row that is named several times is the sum of its values, in their order.
public struct RowSparse: Sendable {
    /// The rows' numbers: int64 `[n]`, each in `0..<rowCount`.
    public let indices: AnyTensor
    /// The rows: `[n, …]`.
    public let values: AnyTensor
    /// The shape of the table: `[rowCount, …]`.
    public let shape: Shape
    /// Whether the indices ascend and none is named twice.
    public let isCoalesced: Bool

    /// The table whose rows `indices` are `values`: `[i, …]` indices (int32 or int64) and `[i, …, …]` values.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the values' shape begins with the indices', and for a negative
    ///   number of rows; ``TensorError/Code/outOfMemory`` for more rows than can be addressed;
    ///   ``TensorError/Code/indexOutOfRange`` for an index that names no row, ``TensorError/Code/dtypeMismatch`` for
    ///   other indices or values without arithmetic, ``TensorError/Code/valuesUnknown`` for abstract ones.
    public init(indices: AnyTensor, values: AnyTensor, rowCount: Int) throws(TensorError) {
        try indices.type.requireIndices(in: "RowSparse")
        guard values.dtype != .bool else {
            throw TensorError(.dtypeMismatch, "RowSparse: not defined for \(values.type)")
        }
        guard values.rank >= indices.rank, values.shape.prefix(indices.rank).elementsEqual(indices.shape) else {
            throw TensorError(
                .shapeMismatch, "RowSparse: \(values.shape) does not begin with the indices' \(indices.shape)")
        }
        shape = try Shape([rowCount] + values.shape.dropFirst(indices.rank))
        let count = indices.elementCount
        self.indices = try indices.withoutTrace()
            .normalizedIndices(below: rowCount, fromTheBack: false, in: "RowSparse")
            .reshaped(to: Shape([count]))
        self.values = try values.reshaped(to: Shape([count] + values.shape.dropFirst(indices.rank)))
        isCoalesced = count == 0
    }

    private init(coalesced indices: AnyTensor, values: AnyTensor, shape: Shape) {
        self.indices = indices
        self.values = values
        self.shape = shape
        isCoalesced = true
    }

    private init(_ other: RowSparse, values: AnyTensor) {
        indices = other.indices
        self.values = values
        shape = other.shape
        isCoalesced = other.isCoalesced
    }

    /// How many rows the table has.
    public var rowCount: Int { shape[0] }

    /// Each row once, in ascending order; values of one row are summed in their order (16-bit floats in float32, rounded
    /// once), so that the bits depend on nothing else.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public func coalesced() throws(TensorError) -> RowSparse {
        if isCoalesced { return self }
        let names = try indices.scalars(as: Int64.self)
        let rows = Array(Set(names)).sorted()
        let places = Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($0.element, Int64($0.offset)) })
        var source = values
        var targets = try AnyTensor(names.map { places[$0]! }, shape: [names.count])
        let sums = try Primitive.scatterAddRows.apply(&source, &targets, .rowCount(rows.count))
        return RowSparse(coalesced: try AnyTensor(rows, shape: [rows.count]), values: sums, shape: shape)
    }

    /// The sum with others of the same table, coalesced: values of one row are summed in this order, this one's first.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` for another table's, ``TensorError/Code/dtypeMismatch``,
    ///   ``TensorError/Code/outOfMemory``.
    public func adding(_ others: [RowSparse]) throws(TensorError) -> RowSparse {
        guard !others.isEmpty else { return try coalesced() }
        let all = [self] + others
        for other in others where other.shape != shape {
            throw TensorError(.shapeMismatch, "RowSparse: rows of \(other.shape) beside those of \(shape)")
        }
        return try RowSparse(
            indices: .concatenate(all.map(\.indices)), values: .concatenate(all.map(\.values)), rowCount: rowCount
        ).coalesced()
    }

    /// The table with all its rows.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public func toDense() throws(TensorError) -> AnyTensor {
        var source = values
        var targets = indices
        return try Primitive.scatterAddRows.apply(&source, &targets, .rowCount(rowCount))
    }

    /// Adds the rows to those of a table, in place where nothing else refers to its storage, in debug builds too.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless the table has this shape, ``TensorError/Code/dtypeMismatch``.
    ///   Then nothing has changed.
    public func add(to table: inout AnyTensor) throws(TensorError) {
        guard table.shape == shape else {
            throw TensorError(.shapeMismatch, "RowSparse: rows of \(shape) for a table of \(table.shape)")
        }
        try table.type.requireSameType(as: values.type, in: "RowSparse")
        var places = try indices.repeated(along: 0, of: shape)
        var source = values
        try table.replace(beside: source.trace) { own throws(TensorError) in
            try Primitive.scatterAdd.apply(&own, &places, &source, .axis(0))
        }
    }

    /// Every value times a factor, which is rounded to the values' type first.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` where an integer type cannot hold the factor.
    public func scaled(by factor: Double) throws(TensorError) -> RowSparse {
        RowSparse(self, values: try values * .full(.scalar, number: factor, dtype: values.dtype))
    }

    /// The Euclidean norm of the table: the root of the sum of squares, of coalesced rows, a tensor without axes.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` for integers.
    public func norm() throws(TensorError) -> AnyTensor {
        try coalesced().values.norm()
    }
}

extension RowSparse: CustomStringConvertible {
    /// The type of the table, and how many rows are stored.
    public var description: String { "\(values.dtype)\(shape) with \(indices.elementCount) rows" }
}
