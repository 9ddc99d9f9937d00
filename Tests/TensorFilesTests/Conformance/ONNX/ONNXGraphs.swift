import Tensor

/// Graphs of operators, and what only they have.
let onnxGraphs: [String: GoldenOperation] = [
    "expanded functions": { golden in
        guard let graph = golden.graph else { throw OutsideScope("there is no graph") }
        var values: [String: AnyTensor] = [:]
        for (name, input) in zip(graph.inputs, golden.inputs) { values[name] = input }
        for node in graph.nodes {
            guard let operation = onnxOperations[node.operation] else { throw Lacking("no \(node.operation)") }
            let step = GoldenCase(
                name: golden.name, operation: node.operation, inputs: node.inputs.map { $0.flatMap { values[$0] } },
                outputs: [], attributes: node.attributes, tolerance: nil, outputCount: node.outputs.count,
                attributeTensors: node.attributeTensors, graph: nil, opset: golden.opset)
            for (name, output) in zip(node.outputs, try operation(step)) { values[name] = output }
        }
        return graph.outputs.compactMap { values[$0] }
    },
    "Constant": { golden in
        if let tensor = golden.tensor("value") { return [tensor] }
        if let number = golden.number("value_float") { return [try .scalar(Float(number))] }
        if let number = golden.integer("value_int") { return [try .scalar(Int64(number))] }
        if let numbers = golden.integers("value_ints") {
            return [try AnyTensor(numbers.map { Int64($0) }, shape: [numbers.count])]
        }
        throw Lacking("a constant of another kind")
    },
    "ConstantOfShape": { golden in
        let shape = try Shape(golden.numbers(0) ?? [])
        // One element, which is 0 where nothing is said.
        let element = try golden.tensor("value")?.reshaped(to: []) ?? .scalar(Float(0))
        return [try element.broadcast(to: shape)]
    },
]
