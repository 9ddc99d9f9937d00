import Foundation
import Tensor
import Testing

/// What NumPy and ONNX answer, beside what the library answers.
@Suite("conformance")
struct ConformanceTests {
    private static let numPy = Result {
        Conformance(try GoldenFile.cases(in: "NumPy"), numPyOperations) { golden in (golden.tolerance ?? 0, 0) }
    }

    private static let onnx = Result {
        Conformance(try GoldenFile.cases(in: "ONNX"), onnxOperations) { golden in
            // What ONNX's own runner allows (`onnx.backend.test.runner`): 10⁻³ and 10⁻⁷. Of types with fewer digits, two
            // steps.
            let steps: [DType: Double] = [.float16: 2 * 0x1p-10, .bfloat16: 2 * 0x1p-7]
            let wanted = golden.outputs.first.flatMap { steps[$0.dtype] } ?? 0
            return (max(1e-3, wanted), 1e-7)
        }
    }

    @Test("every answer is NumPy's")
    func numPyAnswers() throws {
        let failures = try Self.numPy.get().failures
        #expect(failures.isEmpty, "\(failures.prefix(20).joined(separator: "\n"))")
    }

    @Test("every answer is that of ONNX's node tests")
    func onnxAnswers() throws {
        let failures = try Self.onnx.get().failures
        #expect(failures.isEmpty, "\(failures.prefix(20).joined(separator: "\n"))")
    }

    @Test("the page about conformance tells these counts")
    func page() throws {
        let path = repository.appending(path: "Documentation/TensorConformance.md")
        let page = try ConformancePage(numPy: Self.numPy.get(), onnx: Self.onnx.get()).text
        if ProcessInfo.processInfo.environment["MESHWORK_WRITE_CONFORMANCE"] != nil {
            try page.write(to: path, atomically: true, encoding: .utf8)
        }
        let committed = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        let lines = Set(committed.split(separator: "\n"))
        let changed = page.split(separator: "\n").filter { !lines.contains($0) }
        let isCurrent = committed == page
        #expect(
            isCurrent,
            """
            Documentation/TensorConformance.md is not what the tests find; MESHWORK_WRITE_CONFORMANCE=1 writes it anew.
            \(changed.prefix(20).joined(separator: "\n"))
            """)
    }

    @Test("a wrong answer, type, shape or error is told")
    func faults() throws {
        let one = try AnyTensor([1, .nan, -0.0] as [Float], shape: [3])
        #expect(try difference(one, one, tolerance: 0) == nil)
        for (other, tolerance, fault) in [
            (try AnyTensor([1, .nan, 0] as [Float], shape: [3]), 0, "element 2 is -0.0, expected 0.0"),
            (try AnyTensor([1, .nan, 0] as [Float], shape: [3]), 0.1, nil),
            (try AnyTensor([1.2, .nan, 0] as [Float], shape: [3]), 0.1, "element 0 is 1.0, expected 1.2"),
            (try AnyTensor([1, 2, 0] as [Float], shape: [3]), 0.1, "element 1 is nan, expected 2.0"),
            (try AnyTensor([1, .infinity, 0] as [Float], shape: [3]), 0.1, "element 1 is nan, expected inf"),
            (try AnyTensor([1, 2, 3] as [Float], shape: [3, 1]), 0, "expected float32[3, 1]"),
            (try AnyTensor([1, 2, 3] as [Int32], shape: [3]), 0, "expected int32[3]"),
        ] as [(AnyTensor, Double, String?)] {
            let found = try difference(one, other, tolerance: tolerance)
            #expect(fault.map { found?.contains($0) == true } ?? (found == nil), "\(found ?? "nothing")")
        }
        let cases = ["wrong", "throws", "lacks", "outside", "absent"].map {
            GoldenCase(
                name: $0, operation: $0, inputs: [one], outputs: [one], attributes: [:], tolerance: 0, outputCount: 1,
                attributeTensors: [:], graph: nil, opset: 0)
        }
        let operations: [String: GoldenOperation] = [
            "wrong": { [try $0.input(0).negated()] }, "throws": { [try $0.input(0).element(9)] },
            "lacks": { [try $0.input(0).gatherRows($0.input(0))] },
            "outside": { _ in throw OutsideScope("on purpose") },
        ]
        let refusals = ["indexOutOfRange": "throws", "shapeMismatch": "throws", "dtypeMismatch": "wrong"].map {
            GoldenCase(
                name: $0, operation: $1, inputs: [one], outputs: [], attributes: ["raises": .text($0)], tolerance: 0,
                outputCount: 0, attributeTensors: [:], graph: nil, opset: 0)
        }
        let outcome = Conformance(cases + refusals, operations) { _ in (0, 0) }
        #expect(outcome.failures.count == 4)
        #expect(outcome.table.hasSuffix("| **together** | 1 | 4 | 2 | 1 |"))
        #expect(outcome.reasons(namingCases: true).contains("- outside, outside the scope: on purpose: outside"))
    }
}
