import Tensor

/// Tensors that are made of numbers.
let numPyCreation: [String: GoldenOperation] = [
    "arange": { golden in
        let dtype = try golden.dtype()
        if let start = golden.integer("start"), let stop = golden.integer("stop"), let step = golden.integer("step") {
            return [try .stride(from: start, to: stop, by: step, dtype: dtype)]
        }
        let (start, stop) = (golden.number("start") ?? 0, golden.number("stop") ?? 0)
        return [try .stride(from: start, to: stop, by: golden.number("step") ?? 1, dtype: dtype)]
    },
    "linspace": { golden in
        let (start, stop) = (golden.number("start") ?? 0, golden.number("stop") ?? 0)
        let (count, dtype) = (golden.integer("count") ?? 0, try golden.dtype())
        return golden.isTrue("endpoint")
            ? [try .linspace(from: start, through: stop, count: count, dtype: dtype)]
            : [try .linspace(from: start, to: stop, count: count, dtype: dtype)]
    },
    "logspace": { golden in
        let (start, stop) = (golden.number("start") ?? 0, golden.number("stop") ?? 0)
        let (count, base) = (golden.integer("count") ?? 0, golden.number("base") ?? 10)
        return [try .logspace(from: start, through: stop, count: count, base: base, dtype: golden.dtype())]
    },
    "eye": { golden in
        let (rows, columns) = (golden.integer("rows") ?? 0, golden.integer("columns") ?? 0)
        return [try .eye(rows, columns, diagonal: golden.integer("k") ?? 0, dtype: golden.dtype())]
    },
    "tri": { golden in
        let (rows, columns) = (golden.integer("rows") ?? 0, golden.integer("columns") ?? 0)
        return [try .triangle(rows, columns, diagonal: golden.integer("k") ?? 0)]
    },
    "meshgrid": { golden in
        let vectors = try golden.inputs.indices.map(golden.input)
        return try AnyTensor.meshgrid(vectors, isMatrixOrder: golden.text("indexing") == "ij")
    },
    "diag": { [try $0.input(0).diagonalMatrix(offset: $0.integer("k") ?? 0)] },
]
