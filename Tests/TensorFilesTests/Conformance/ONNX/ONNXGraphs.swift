import Tensor

/// Graphs of operators.
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
    }
]
