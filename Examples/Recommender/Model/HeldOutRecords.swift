import NeuralNetwork
import ParameterServer
import ProcessKit
package import Tensor

/// The records that no worker sees.
package struct HeldOutRecords: Sendable {
    private let examples: CensusExamples

    /// How many there are.
    package var count: Int { examples.labels.elementCount }

    package init(_ census: Census) throws {
        examples = try census.examples(Census.trainingCount..<census.count)
    }

    /// The area under the curve of the model that the servers hold now, whether or not workers go on pushing.
    func area(of mesh: LauncherMesh) async throws -> Double {
        var parameters = try await mesh.reader.pull()
        for (name, lookup) in examples.lookups {
            parameters[name] = try await mesh.reader.pull(rows: lookup.keys, of: name)
        }
        return try area(of: parameters)
    }

    /// The area under the curve of a model with these parameters, of which row tables have the rows of ``lookups``.
    package func area(of parameters: NamedTensors) throws -> Double {
        var area = AUROC()
        try area.add(
            scores: try CensusModel()(examples.inputs, ParameterScope(parameters)), labels: examples.labels)
        return try area.value()
    }

    /// What the model looks up for them.
    package var lookups: [String: RowLookup] { examples.lookups }
}
