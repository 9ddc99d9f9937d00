import Foundation

/// `Documentation/TensorConformance.md`, which is written by the tests alone.
struct ConformancePage {
    let text: String

    init(numPy: Conformance, onnx: Conformance) throws {
        let leftOutPath = repository.appending(path: "Tests/TensorFilesTests/Goldens/ONNX/left-out.json")
        let leftOut = try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: leftOutPath))
        let leftOutRows = leftOut.sorted { $0.key < $1.key }.map { "| \($0.key) | \($0.value.count) |" }
        text = """
            # Conformance of tensors

            What others answer, beside what `Tensor` answers. This page is written by the tests
            (`MESHWORK_WRITE_CONFORMANCE=1 swift test --filter ConformanceTests`), which fail when it is not what they find. *Lacking*
            is an operation, or an element type of one, that is not there; *outside the scope* is what the library leaves out on
            purpose, with the reason below.

            A new operation is a line in a file of `Tests/TensorFilesTests/Conformance/NumPy/` or of
            `Tests/TensorFilesTests/Conformance/ONNX/`.

            ## NumPy

            Cases of `Scripts/generate-numpy-goldens.py`: broadcasting, special values, shapes without axes or elements, views with
            steps of either sign, subscripts, indices and masks, reductions, sorting, products, linear algebra, casts and promotion,
            of every element type that NumPy has. Elementwise operations, comparisons, casts and choices have to give the same bits
            (a NaN any NaN); what rounds more than once has a tolerance in the case. Where NumPy raises an error, the library has to
            throw one of the code that the case names.

            \(numPy.table)

            \(numPy.reasons(namingCases: false))

            ## ONNX

            The node tests of the `onnx` package (1.16.2), by `Scripts/generate-onnx-goldens.py`: inputs, attributes and outputs as
            ONNX's reference gives them, compared as its own runner does (10⁻³ relative, 10⁻⁷ absolute; types and shapes exactly).
            *Expanded functions* are operators that ONNX also defines as graphs of simpler ones, run as these graphs.

            \(onnx.table)

            \(onnx.reasons(namingCases: true))

            These node tests are no golden data (`Tests/TensorFilesTests/Goldens/ONNX/left-out.json` has their names):

            | left out because | tests |
            |---|--:|
            \(leftOutRows.joined(separator: "\n"))

            """
    }
}
