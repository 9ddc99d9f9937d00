import Foundation
import Tensor
import TensorFiles

/// A value of a case's JSON.
enum GoldenValue: Decodable, Sendable {
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([GoldenValue])
    case object([String: GoldenValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([GoldenValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: GoldenValue].self))
        }
    }

    var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
    var integers: [Int]? { if case .list(let values) = self { values.compactMap(\.integer) } else { nil } }
    var isTrue: Bool? { if case .boolean(let value) = self { value } else { nil } }
    /// A number; infinities and NaN are written as text.
    var number: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        case .text(let value): Double(value)
        default: nil
        }
    }
}

/// An operation, what it is given, and what it has to answer.
struct GoldenCase: Sendable {
    let name: String
    let operation: String
    /// Nil where an optional input is absent.
    let inputs: [AnyTensor?]
    let outputs: [AnyTensor]
    let attributes: [String: GoldenValue]
    /// How far a float may be from the expected one, relative to it; 0 asks for the same bits. Nil for the family's own.
    let tolerance: Double?
    /// How many outputs are asked for.
    let outputCount: Int
    /// The attributes that are tensors.
    let attributeTensors: [String: AnyTensor]
    /// What to run for the outputs, where the operation is several.
    let graph: GoldenGraph?
    /// The version of ONNX's operators that the case is written for; 0 elsewhere.
    let opset: Int

    /// The input at a place, which has to be there.
    func input(_ place: Int) throws -> AnyTensor {
        guard let tensor = optionalInput(place) else { throw OutsideScope("input \(place) is absent") }
        return tensor
    }

    /// The input at a place, if there is one.
    func optionalInput(_ place: Int) -> AnyTensor? { place < inputs.count ? inputs[place] : nil }

    func integer(_ name: String) -> Int? { attributes[name]?.integer }
    func integers(_ name: String) -> [Int]? { attributes[name]?.integers }
    func number(_ name: String) -> Double? { attributes[name]?.number }
    func tensor(_ name: String) -> AnyTensor? { attributeTensors[name] }
    func text(_ name: String) -> String? { attributes[name]?.text }
    func isTrue(_ name: String) -> Bool { attributes[name]?.isTrue ?? false }

    /// Refuses what the library does not have on purpose: an attribute with another value than this one.
    func require(_ name: String, _ value: Int, because reason: String) throws {
        if let found = integer(name), found != value { throw OutsideScope(reason) }
    }
}

/// Operations that hand each other values by name.
struct GoldenGraph: Decodable, Sendable {
    struct Node: Decodable, Sendable {
        let operation: String
        let inputs: [String?]
        let outputs: [String]
        let attributes: [String: GoldenValue]
        /// The tensors among the attributes, once the file's arrays are known.
        var attributeTensors: [String: AnyTensor] = [:]

        private enum CodingKeys: CodingKey {
            case operation, inputs, outputs, attributes
        }
    }

    let inputs: [String]
    let outputs: [String]
    var nodes: [Node]
}

/// What an operation of the library has no counterpart for, on purpose.
struct OutsideScope: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// What an operation of the library has no counterpart for yet.
struct Lacking: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Calls an operation with a case's inputs and attributes.
typealias GoldenOperation = @Sendable (GoldenCase) throws -> [AnyTensor]

/// The cases of one file.
struct GoldenFile {
    let cases: [GoldenCase]

    private struct Record: Decodable {
        struct Operand: Decodable {
            let array: String
            let views: [[GoldenValue]]?
        }
        let name: String
        let operation: String
        let inputs: [Operand?]
        let outputs: [Operand]
        let attributes: [String: GoldenValue]?
        let tolerance: Double?
        let opset: Int?
        let graph: GoldenGraph?
    }

    private struct Malformed: Error {
        let message: String
    }

    init(_ path: String) throws {
        var arrays = try NumPyArchive.read(path)
        let text = try arrays.tensor(named: "cases").scalars(as: UInt8.self)
        arrays["cases"] = nil
        func tensor(_ operand: Record.Operand, of test: String) throws -> AnyTensor {
            var tensor = try arrays.tensor(named: operand.array)
            // ONNX's own data has no bfloat16: such tests hold the bits in uint16.
            if test.contains("BFLOAT16"), tensor.dtype == .uint16 {
                tensor = try tensor.withBytes {
                    unsafe try AnyTensor(copying: $0, shape: tensor.shape, dtype: .bfloat16)
                }
            }
            for view in operand.views ?? [] {
                switch view[0].text {
                case "transpose": tensor = try tensor.transposed(view[1].integers ?? [])
                case "slice":
                    let numbers = view.dropFirst().compactMap(\.integer)
                    tensor = try tensor.sliced(axis: numbers[0], numbers[1]..<numbers[2], step: numbers[3])
                case "broadcast": tensor = try tensor.broadcast(to: Shape(view[1].integers ?? []))
                default: throw Malformed(message: "unknown view \(view)")
                }
            }
            return tensor
        }
        func tensors(_ attributes: [String: GoldenValue]) throws -> [String: AnyTensor] {
            try attributes.compactMapValues { value in
                guard case .object(let object) = value, let name = object["array"]?.text else { return nil }
                return try arrays.tensor(named: name)
            }
        }
        cases = try JSONDecoder().decode([Record].self, from: Data(text)).map { record in
            var graph = record.graph
            for place in record.graph?.nodes.indices ?? 0..<0 {
                graph?.nodes[place].attributeTensors = try tensors(record.graph?.nodes[place].attributes ?? [:])
            }
            return GoldenCase(
                name: record.name, operation: record.operation,
                inputs: try record.inputs.map { try $0.map { try tensor($0, of: record.name) } },
                outputs: try record.outputs.map { try tensor($0, of: record.name) },
                attributes: record.attributes ?? [:],
                tolerance: record.tolerance, outputCount: record.outputs.count,
                attributeTensors: try tensors(record.attributes ?? [:]), graph: graph, opset: record.opset ?? 0)
        }
    }

    /// The cases of every file in a folder of `Goldens`, in the order of the files' names.
    static func cases(in folder: String) throws -> [GoldenCase] {
        let path = repository.appending(path: "Tests/TensorFilesTests/Goldens/\(folder)").path
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".npz") }.sorted()
            .flatMap { try GoldenFile("\(path)/\($0)").cases }
    }
}
