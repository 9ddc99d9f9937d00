import Foundation
import NeuralNetwork
import ProcessKit
import Tensor

/// The census records that the example ships, as the model takes them.
package struct Census: Sendable {
    /// The first records train, as in the original split; the others are held out.
    package static let trainingCount = 32_561

    /// What is known of a person by name. The file misspells one.
    private static let names = [
        "workclass", "eductation", "marital-status", "occupation", "relationship", "race", "sex", "native-country",
    ]
    private static let figures = ["age", "education-num", "capital-gain", "capital-loss", "hours-per-week"]

    /// The keys of a record: its names, and the steps that four of its figures fall into.
    static let columnCount = names.count + 4
    /// The numbers of a record.
    static let numberCount = figures.count + 2

    /// `columnCount` a record.
    private var keys: [UInt64] = []
    /// `numberCount` a record.
    private var numbers: [Float] = []
    private var labels: [Int32] = []

    /// How many records there are.
    package var count: Int { labels.count }

    /// Reads a file.
    ///
    /// - Throws: `NeuralNetworkError` that names the file, the line and the column; `LaunchError` when records are
    ///   missing.
    package init(path: String) throws {
        var format = CSVFile.Format()
        format.trimsSpaces = true
        // The test part's labels end with a dot.
        let income = CSVColumn.category("income", ["<=50K": 0, "<=50K.": 0, ">50K": 1, ">50K.": 1])
        let file = try CSVFile(
            path,
            columns: Self.names.map { .hashed($0, buckets: Int(Int32.max)) } + Self.figures.map { .number($0) }
                + [income], format: format)
        var batches = try file.batches(of: 4_096)
        while let batch = try batches.next() {
            let names = try batch.indices(Self.names).scalars
            let figures = try batch.numbers(Self.figures).scalars
            labels += try batch.indices(["income"]).scalars
            for record in 0..<batch.count {
                append(
                    names: names[(record * Self.names.count)..<((record + 1) * Self.names.count)],
                    figures: Array(figures[(record * Self.figures.count)..<((record + 1) * Self.figures.count)]))
            }
        }
        guard count > Self.trainingCount else {
            throw LaunchError("\(path) holds \(count) records, expected more than \(Self.trainingCount)")
        }
    }

    private mutating func append(names: ArraySlice<Int32>, figures: [Float]) {
        let (age, education, gain, loss, hours) = (figures[0], figures[1], figures[2], figures[3], figures[4])
        let (logGain, logLoss) = (log1p(gain), log1p(loss))
        let steps = [age / 5, hours / 5, logGain * 4, logLoss * 10].map { Int32($0) }
        // The column is part of the key: one value in two columns is two things.
        for (column, value) in (names + steps).enumerated() { keys.append(UInt64(column) << 32 | UInt64(value)) }
        numbers += [
            age / 50 - 0.8, (education - 10) / 3, logGain / 10, logLoss / 8, (hours - 40) / 12, gain > 0 ? 1 : 0,
            loss > 0 ? 1 : 0,
        ]
    }

    /// Records by their places.
    ///
    /// - Throws: `TensorError` when memory runs out.
    func examples(_ places: some Collection<Int>) throws(TensorError) -> CensusExamples {
        var (keys, numbers): ([UInt64], [Float]) = ([], [])
        keys.reserveCapacity(places.count * Self.columnCount)
        numbers.reserveCapacity(places.count * Self.numberCount)
        for place in places {
            keys += self.keys[(place * Self.columnCount)..<((place + 1) * Self.columnCount)]
            numbers += self.numbers[(place * Self.numberCount)..<((place + 1) * Self.numberCount)]
        }
        return CensusExamples(
            inputs: CensusModel.Input(
                features: try RowLookup(keys, shape: Shape([places.count, Self.columnCount])),
                numbers: Tensor(numbers, shape: try Shape([places.count, Self.numberCount]))),
            labels: Tensor(places.map { labels[$0] }))
    }
}
