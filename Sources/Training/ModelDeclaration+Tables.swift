public import NeuralNetwork
public import Optimizers
public import ParameterServer
import Tensor

extension ModelDeclaration {
    /// The model's parameters as tables of parameter servers, in the model's order.
    ///
    /// - Parameters:
    ///   - partitioning: of dense tables, and of row tables whose number of rows the model names.
    ///   - consistency: That of the tables; where it has rounds, tables of rows are asynchronous beside them.
    ///   - rows: What is to be known of tables of rows, by the parameter's name. Those that the model declares as such
    ///     (`embedding(_:features:)`) need no entry. Any other parameter of shape `[rows, features]` becomes one by its
    ///     entry; its keys are then the rows' numbers, whatever the settings say, and its rows begin with the values
    ///     that the dense parameter would have.
    ///   - rowPartitions: Into how many partitions each row table is cut that the model declares. Default 1; as many as
    ///     there are servers, or a multiple of that, has all of them share the work.
    ///   - replicas: How many followers each partition has. Default 0.
    /// - Throws: ``/ParameterServer/ParameterServerError/Code/invalidDeclaration``, also for a name in `rows` that is
    ///   not that of a row table or of a parameter with two axes.
    public func tables(
        updateRule: UpdateRule, partitioning: TableDeclaration.Partitioning = .bytes(1 << 20),
        consistency: Consistency = .asynchronous, rows: [String: TableDeclaration.RowSettings] = [:],
        rowPartitions: Int = 1, replicas: Int = 0
    ) throws(ParameterServerError) -> [TableDeclaration] {
        try check(rows)
        var tables: [TableDeclaration] = []
        for parameter in parameters {
            func dense() throws(ParameterServerError) -> TableDeclaration {
                try TableDeclaration(
                    name: parameter.name, shape: parameter.shape, initializer: parameter.initializer,
                    key: parameter.key, updateRule: updateRule, partitioning: partitioning, replicas: replicas,
                    consistency: consistency)
            }
            guard parameter.isRowTable || rows[parameter.name] != nil else {
                tables.append(try dense())
                continue
            }
            tables.append(
                try parameter.rowTable(
                    updateRule, rows[parameter.name],
                    partitionCount: parameter.isRowTable ? rowPartitions : try dense().partitionCount,
                    replicas: replicas, consistency: consistency.hasRounds ? .asynchronous : consistency))
        }
        return tables
    }

    /// Throws for settings of rows that no parameter can have.
    func check(_ rows: [String: TableDeclaration.RowSettings]) throws(ParameterServerError) {
        for name in rows.keys.sorted()
        where !parameters.contains(where: { $0.name == name && ($0.isRowTable || $0.shape.count == 2) }) {
            throw ParameterServerError(
                .invalidDeclaration, "the model has no parameter \(name) with two axes that could be a table of rows")
        }
    }
}

extension ParameterDeclaration {
    /// The parameter as a table of rows: by any key where the model declares it so, else by the numbers of its rows.
    func rowTable(
        _ updateRule: UpdateRule, _ settings: TableDeclaration.RowSettings?, partitionCount: Int, replicas: Int,
        consistency: Consistency = .asynchronous
    ) throws(ParameterServerError) -> TableDeclaration {
        var settings = settings ?? TableDeclaration.RowSettings()
        if !isRowTable { settings.keyLimit = UInt64(shape[0]) }
        return try TableDeclaration(
            name: name, rowWidth: isRowTable ? shape[0] : shape[1], rows: settings, initializer: initializer, key: key,
            updateRule: updateRule, partitionCount: partitionCount, replicas: replicas, consistency: consistency)
    }
}
