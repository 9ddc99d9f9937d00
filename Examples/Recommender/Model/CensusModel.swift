package import NeuralNetwork
package import Tensor
import Training

/// Scores whether a person of the census earns more than 50,000 dollars a year: a wide part, which is linear in what is
/// known of a person, beside a deep one (Cheng et al., "Wide & Deep Learning for Recommender Systems", 2016).
///
/// What is known by name has a row in each of two tables, and no list of the names is needed: a row is made by the
/// first push that names its key.
package struct CensusModel: Model {
    package struct Input: Sendable {
        /// What is known by name, `[batch, columns]`.
        package var features: RowLookup
        /// What is known as a number, `[batch, numbers]`.
        package var numbers: Tensor<Float>
    }

    /// The elements of a row of the deep part.
    private static let width = 8

    /// Logits, of shape `[batch]`.
    package func callAsFunction(_ input: Input, _ p: ParameterScope) throws -> Tensor<Float> {
        let batch = input.numbers.shape[0]
        let wide = try p["wide"].embedding(input.features, features: 1, initializer: .zeros).sum(axes: [1, 2])
        let rows = try p["deep"].embedding(input.features, features: Self.width)
            .reshaped(to: Shape([batch, Census.columnCount * Self.width]))
        let first = try p["hidden1"].dense(.concatenate([rows, input.numbers], axis: 1), 64, activation: .relu)
        let second = try p["hidden2"].dense(first, 32, activation: .relu)
        return try wide + p["head"].dense(second, 1).reshaped(to: Shape([batch]))
    }

    /// Its parameters, with the first values that follow from a random key.
    package static func declaration(_ key: RandomKey) throws -> ModelDeclaration {
        let example = Input(
            features: try RowLookup(Array(repeating: 0, count: Census.columnCount), shape: [1, Census.columnCount]),
            numbers: .zeros([1, Census.numberCount]))
        return try initialize(CensusModel(), key: key, example: example)
    }
}

/// Some records of the census.
package struct CensusExamples: TrainingBatch {
    package var inputs: CensusModel.Input
    /// 1 for more than 50,000 dollars, 0 for others.
    package var labels: Tensor<Int32>

    package var lookups: [String: RowLookup] { ["wide/table": inputs.features, "deep/table": inputs.features] }
}
