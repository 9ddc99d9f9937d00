import Tensor
import TensorFiles

/// The code of `Tensor.md` and `Guide.md` in `Sources/Tensor/Tensor.docc`: each region between `docs:` and `docs: end` is
/// one block there, to the letter, and what it prints is the block behind it (`GuideTests`).
enum Guide {
    typealias Printer = (Any...) -> Void

    static let all: [@Sendable (_ folder: String, _ print: Printer) throws -> Void] = [
        { _, print in try overview(print) }, { _, print in creation(print) }, { _, print in types(print) },
        { _, print in broadcasting(print) },
        { _, print in subscripts(print) }, { _, print in views(print) }, { _, print in try reuse(print) },
        { _, print in reductions(print) }, { _, print in products(print) }, { _, print in try random(print) },
        { folder, print in try files(in: folder, print) }, { _, print in threads(print) },
        { _, print in errors(print) }, { _, print in memory(print) },
    ]

    private static func overview(_ print: Printer) throws {
        // docs: overview
        let image = Tensor<Float>(repeating: 0.5, shape: [32, 784])
        let key = RandomKey(seed: 1)
        let weights = try Initializer.heUniform(fanIn: 784).values(key: key.foldIn("weight"), shape: [784, 10])
        let scores = try image.matmul(Tensor(weights)).softmax()
        print(scores.argmax().shape)
        // docs: end
    }

    private static func creation(_ print: Printer) {
        // docs: creation
        let table: Tensor<Float> = [[1, 2, 3], [4, 5, 6]]
        let steps = Tensor<Int32>.stride(from: 0, to: 10, by: 3)
        let points = Tensor<Double>.linspace(from: 0, through: 1, count: 5)
        print(table)
        print(steps)
        print(points.scalars)
        print(Tensor<Float>.zeros([2, 3]).shape, Tensor<Int64>.eye(2, 2))
        // docs: end
    }

    private static func types(_ print: Printer) {
        // docs: types
        let counts = Tensor<UInt8>([250, 3, 7])
        print(counts + 6)
        print(counts.cast(to: Float.self) / 2)
        print(counts.sum(as: Int64.self))
        print(Tensor<Float>([2.9, -1, .nan, 300]).cast(to: UInt8.self))
        // docs: end
    }

    private static func broadcasting(_ print: Printer) {
        // docs: broadcasting
        let rows: Tensor<Float> = [[1, 2, 3], [4, 5, 6]]
        let offsets = Tensor<Float>([10, 20]).expandingDimensions(at: 1)
        print(rows.shape, offsets.shape, (rows + offsets).shape)
        print(rows + offsets)
        print((rows .> 2).select(rows, 0))
        // docs: end
    }

    private static func subscripts(_ print: Printer) {
        // docs: subscripts
        var x = Tensor<Int32>.stride(from: 0, to: 12).reshaped(to: [3, 4])
        print(x[-1, 2])
        print(x[.all, 1..<3])
        print(x[.stride(by: -1), 0])
        print(x[0, .newAxis].shape, x[.ellipsis, 0].shape)
        x[0, 1...] = 7
        x[x .> 9] = 0
        print(x)
        // docs: end
    }

    private static func views(_ print: Printer) {
        // docs: views
        let whole = Tensor<Float>.stride(from: 0, to: 6).reshaped(to: [2, 3])
        let column = whole[.all, 0]
        var changed = whole
        changed[0, 0] = 100
        print(column, whole[0], changed[0])
        print(whole.transposed().core.isContiguous)
        // docs: end
    }

    private static func reuse(_ print: Printer) throws {
        // docs: reuse
        var total = try AnyTensor.zeros([3])
        for step in 1...4 {
            try total.accumulate(.full([3], Float(step)))
        }
        var parameter = Tensor<Float>([1, 2, 3])
        let gradient = Tensor<Float>([2, 4, 8])
        parameter -= gradient * 0.5
        print(total, parameter)
        // docs: end
    }

    private static func reductions(_ print: Printer) {
        // docs: reductions
        let scores: Tensor<Float> = [[1, 5, 3], [2, 2, 8]]
        print(scores.sum(), scores.mean(axes: [0]))
        print(scores - scores.max(axes: [1], keepsDimensions: true))
        print(scores.argmax(), scores.cumulativeSum(axis: 0)[-1])
        let (values, places) = scores.topK(2)
        print(values, places)
        // docs: end
    }

    private static func products(_ print: Printer) {
        // docs: products
        let a: Tensor<Double> = [[2, 1], [1, 3]]
        let batch = Tensor<Double>.ones([5, 4, 2])
        print(a.matmul(a), batch.matmul(a).shape)
        print(Tensor.einsum("ij,ij->i", a, a))
        print(a.solve(Tensor([4, 7])))
        // docs: end
    }

    private static func random(_ print: Printer) throws {
        // docs: random
        let key = RandomKey(seed: 42)
        let weights = Tensor<Float>.normal([2, 3], key: key.foldIn("weights"))
        let again = Tensor<Float>.normal([2, 3], key: key.foldIn("weights"))
        print((weights .== again).all())
        let keys = key.split(2)
        print(Tensor<Int32>.integers([6], in: 0..<10, key: keys[0]))
        // Elements 4 and 5 alone, as whoever holds that part makes them.
        print(try key.uniform([6]).slice(elements: 4..<6), try key.uniform([2], offset: 4))
        // docs: end
    }

    private static func files(in folder: String, _ print: Printer) throws {
        // docs: files
        let model = try NamedTensors([
            ("weight", .ones([2, 3])), ("bias", .zeros([3], dtype: .bfloat16)),
        ])
        try Safetensors.write(model, metadata: ["epoch": "12"], to: "\(folder)/model.safetensors")
        let restored = try Safetensors.read("\(folder)/model.safetensors")
        print(restored.names, try restored.tensor(named: "bias"))

        let weight = try Tensor<Float>(restored.tensor(named: "weight"))
        try NumPyArray.write(weight.core * 2, to: "\(folder)/weight.npy")
        print(try NumPyArray.read("\(folder)/weight.npy"))
        // docs: end
    }

    private static func threads(_ print: Printer) {
        // docs: threads
        let a = Tensor<Float>.uniform([64, 64], key: RandomKey(seed: 1))
        let alone = ComputeBudget.withThreads(1) { a.matmul(a) }
        print((alone .== a.matmul(a)).all())
        print(ComputeBudget.withThreads(1) { ComputeBudget.threads })
        // docs: end
    }

    private static func errors(_ print: Printer) {
        // docs: errors
        func predict(_ request: AnyTensor, with weights: AnyTensor) throws(TensorError) -> AnyTensor {
            try request.matmul(weights).argmax()
        }
        do throws(TensorError) {
            let weights = try AnyTensor.ones([4, 3])
            print(try predict(.ones([2, 4]), with: weights))
            print(try predict(.ones([2, 5]), with: weights))
        } catch {
            print(error.code)
            print(error.message)
        }
        // docs: end
    }

    private static func memory(_ print: Printer) {
        // docs: memory
        let megabyte = Tensor<Float>.zeros([1 << 18])
        let repeated = megabyte.broadcast(to: [1_000, 1 << 18])
        print(repeated.elementCount, StorageStatistics.current.liveBytes >= 1 << 20)
        // docs: end
    }
}
