public import NeuralNetwork
public import Optimizers
public import ParameterServer

extension ModelDeclaration {
    /// The model's parameters as tables of parameter servers, in the model's order.
    ///
    /// - Throws: ``/ParameterServer/ParameterServerError/Code/invalidDeclaration``.
    public func tables(
        updateRule: UpdateRule, partitioning: TableDeclaration.Partitioning = .bytes(1 << 20)
    ) throws(ParameterServerError) -> [TableDeclaration] {
        var tables: [TableDeclaration] = []
        for parameter in parameters {
            tables.append(
                try TableDeclaration(
                    name: parameter.name, shape: parameter.shape, initializer: parameter.initializer,
                    key: parameter.key, updateRule: updateRule, partitioning: partitioning))
        }
        return tables
    }
}
