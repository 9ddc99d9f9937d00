public import Tensor

extension ParameterScope {
    /// An embedding: for each index its row of a table.
    ///
    /// Parameter: `table` of shape `[rows, features]`. Its gradient is row-sparse: it has the rows that a batch names
    /// and takes no memory for the others, and ``/Tensor/NamedTensors/toDense()`` is the way to all elements.
    ///
    /// - Parameters:
    ///   - indices: Of shape `[…]`, each in `0..<rows`.
    ///   - rows: The rows of the table, one for each thing that an index can name.
    ///   - features: The elements of a row.
    ///   - initializer: How the first rows are made; uniform in ±0.05 by default, so that rows which a batch meets
    ///     first late move no sum far.
    /// - Returns: Of shape `[…, features]`.
    /// - Throws: `TensorError.Code.indexOutOfRange` for an index that names no row; as
    ///   ``parameter(_:shape:initializer:)``.
    public func embedding(
        _ indices: Tensor<Int32>, rows: Int, features: Int,
        initializer: Initializer = .uniform(low: -0.05, high: 0.05)
    ) throws -> Tensor<Float> {
        let table = try parameter("table", shape: [rows, features], initializer: initializer)
        return try naming("embedding") { () throws(TensorError) in
            try Tensor(table.core.gatherRows(indices.core))
        }
    }

    /// An embedding of bags: for each bag of indices what its rows of a table give together, for features of which an
    /// example has any number.
    ///
    /// Parameter: `table`, as of ``embedding(_:rows:features:initializer:)``, whose gradient is row-sparse too. An
    /// empty bag gives 0.
    ///
    /// - Parameters:
    ///   - indices: The indices of all bags, one bag after the other: `[n]`, each in `0..<rows`.
    ///   - starts: Where each bag begins among the indices: ascending, the first 0.
    ///   - rows: The rows of the table, one for each thing that an index can name.
    ///   - features: The elements of a row.
    ///   - reduction: What becomes of a bag's rows; their sum by default.
    ///   - weights: What each row of a sum is multiplied by, `[n]`; nothing by default.
    ///   - initializer: How the first rows are made; uniform in ±0.05 by default.
    /// - Returns: Of shape `[bags, features]`.
    /// - Throws: `TensorError.Code.indexOutOfRange` for an index that names no row and for starts that do not ascend;
    ///   `TensorError.Code.shapeMismatch` for indices or weights of another shape, and for weights of a mean or a
    ///   maximum; as ``parameter(_:shape:initializer:)``.
    public func embeddingBag(
        _ indices: Tensor<Int32>, starts: [Int], rows: Int, features: Int, reduction: BagReduction = .sum,
        weights: Tensor<Float>? = nil, initializer: Initializer = .uniform(low: -0.05, high: 0.05)
    ) throws -> Tensor<Float> {
        let table = try parameter("table", shape: [rows, features], initializer: initializer)
        return try naming("embedding bag") { () throws(TensorError) in
            try Tensor(
                table.core.embeddingBag(indices.core, starts: starts, reduction: reduction, weights: weights?.core))
        }
    }

    /// An embedding with keys: for each key that the input looks up its row of a table of any size.
    ///
    /// Parameter: the row table `table` with rows of `features` elements, of which the step has those that the input
    /// looks up; its gradient is of those too.
    ///
    /// ```swift
    /// let users = try RowLookup(batch.users)               // any 64-bit numbers
    /// let embedded = try p["users"].embedding(users, features: 32)
    /// ```
    /// - Parameters:
    ///   - lookup: The keys of the batch, of shape `[…]`.
    ///   - features: The elements of a row.
    ///   - initializer: How a row begins; uniform in ±0.05 by default.
    /// - Returns: Of shape `[…, features]`.
    /// - Throws: As ``rows(_:of:features:initializer:)``.
    public func embedding(
        _ lookup: RowLookup, features: Int, initializer: Initializer = .uniform(low: -0.05, high: 0.05)
    ) throws -> Tensor<Float> {
        let rows = try rows("table", of: lookup, features: features, initializer: initializer)
        return try naming("embedding") { () throws(TensorError) in
            try Tensor(rows.core.gatherRows(lookup.indices.core))
        }
    }

    /// An embedding of bags with keys: as ``embeddingBag(_:starts:rows:features:reduction:weights:initializer:)``, of a
    /// row table of any size.
    ///
    /// - Parameters:
    ///   - lookup: The keys of all bags, one bag after the other: `[n]`.
    ///   - starts: Where each bag begins among the keys: ascending, the first 0.
    ///   - features: The elements of a row.
    ///   - reduction: What becomes of a bag's rows; their sum by default.
    ///   - weights: What each row of a sum is multiplied by, `[n]`; nothing by default.
    ///   - initializer: How a row begins; uniform in ±0.05 by default.
    /// - Returns: Of shape `[bags, features]`.
    /// - Throws: As the bag of indices, and as ``rows(_:of:features:initializer:)``.
    public func embeddingBag(
        _ lookup: RowLookup, starts: [Int], features: Int, reduction: BagReduction = .sum,
        weights: Tensor<Float>? = nil, initializer: Initializer = .uniform(low: -0.05, high: 0.05)
    ) throws -> Tensor<Float> {
        let rows = try rows("table", of: lookup, features: features, initializer: initializer)
        return try naming("embedding bag") { () throws(TensorError) in
            try Tensor(
                rows.core.embeddingBag(
                    lookup.indices.core, starts: starts, reduction: reduction, weights: weights?.core))
        }
    }

    /// Names the layer in an error about its indices, which come from data and not from the parameters.
    private func naming<Result>(
        _ layer: String, _ body: () throws(TensorError) -> Result
    ) throws(TensorError) -> Result {
        do throws(TensorError) {
            return try body()
        } catch {
            throw TensorError(error.code, "\(layer) layer \"\(name)\": \(error.message)", cause: error.cause)
        }
    }
}
