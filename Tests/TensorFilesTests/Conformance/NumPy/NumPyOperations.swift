import Tensor

/// What `Scripts/generate-numpy-goldens.py` calls an operation, as a call of the library: one line an operation, one file
/// a family.
let numPyOperations: [String: GoldenOperation] = [
    numPyCreation, numPyUnary, numPyBinary, numPyReductions, numPyStatistics, numPyRearranging, numPyOrder,
    numPyIndexing,
    numPyMatrices, numPyTypes,
].reduce(into: [:]) { all, family in all.merge(family) { one, _ in one } }

extension GoldenCase {
    /// The axis that an operation works along: the last one unless the case says so.
    var axis: Int { integer("axis") ?? -1 }

    /// The axes of a reduction, nil for all.
    var reducedAxes: [Int]? { integers("axes") }

    /// The element type that the case asks for.
    func dtype() throws -> DType {
        let name = text("dtype") ?? ""
        guard let dtype = DType.allCases.first(where: { "\($0)" == name }) else { throw OutsideScope(name) }
        return dtype
    }
}
