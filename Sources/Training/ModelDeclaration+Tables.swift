public import NeuralNetwork
public import Optimizers
public import ParameterServer
import Tensor

extension ModelDeclaration {
    /// The model's parameters as tables of parameter servers, in the model's order.
    ///
    /// - Parameters:
    ///   - rows: The parameters that are tables of rows, by name: of shape `[rows, features]`, as those of embeddings. Their
    ///     keys are the rows' numbers, whatever the settings say, and their rows begin with the values that the dense
    ///     parameter would have.
    /// - Throws: ``/ParameterServer/ParameterServerError/Code/invalidDeclaration``, also for a name in `rows` that is not
    ///   that of a parameter with two axes.
    public func tables(
        updateRule: UpdateRule, partitioning: TableDeclaration.Partitioning = .bytes(1 << 20),
        rows: [String: TableDeclaration.RowSettings] = [:]
    ) throws(ParameterServerError) -> [TableDeclaration] {
        for name in rows.keys.sorted() where !parameters.contains(where: { $0.name == name && $0.shape.count == 2 }) {
            throw ParameterServerError(
                .invalidDeclaration, "the model has no parameter \(name) with two axes that could be a table of rows")
        }
        var tables: [TableDeclaration] = []
        for parameter in parameters {
            let dense = try TableDeclaration(
                name: parameter.name, shape: parameter.shape, initializer: parameter.initializer, key: parameter.key,
                updateRule: updateRule, partitioning: partitioning)
            guard var settings = rows[parameter.name] else {
                tables.append(dense)
                continue
            }
            settings.keyLimit = UInt64(parameter.shape[0])
            tables.append(
                try TableDeclaration(
                    name: parameter.name, rowWidth: parameter.shape[1], rows: settings,
                    initializer: parameter.initializer, key: parameter.key, updateRule: updateRule,
                    partitionCount: dense.partitionCount))
        }
        return tables
    }
}
