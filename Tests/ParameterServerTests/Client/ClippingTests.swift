import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

@Suite(.timeLimit(.minutes(2))) struct ClippingTests {
    @Test("a step is scaled by its global norm before it is cut into partitions: the bits are those of one process")
    func sameBits() async throws {
        let rule = UpdateRule.adam(learningRate: 0.1)
        let initializer = Initializer.uniform(low: -1, high: 1)
        let key = RandomKey(seed: 2)
        try await SimulatedRuntime.run(seed: 9) { runtime in
            let cluster = try await TestCluster.start(runtime)
            var configuration = ParameterClientConfiguration()
            configuration.globalNormLimit = 2
            let client = try await cluster.client(cluster.mesh("/worker/0"), configuration: configuration)
            var items = TableDeclaration.RowSettings()
            items.keyLimit = 8
            try await client.declare([
                try TableDeclaration(
                    name: "dense", shape: [5, 3], initializer: initializer, key: key, updateRule: rule,
                    partitioning: .count(4)),
                try TableDeclaration(
                    name: "items", rowWidth: 3, rows: items, initializer: initializer, key: key, updateRule: rule,
                    partitionCount: 3),
            ])
            var dense = try initializer.values(key: key, shape: [5, 3])
            var rows = try initializer.values(key: key, shape: [8, 3])
            var denseState = try rule.makeState([5, 3])
            var rowState = try rule.makeRowState([8, 3])
            for step in 1...6 {
                var gradients = try NamedTensors([
                    (
                        "dense",
                        Initializer.uniform(low: -Float(step), high: Float(step)).values(
                            key: key.foldIn(UInt64(step)), shape: [5, 3])
                    )
                ])
                gradients[gradient: "items"] = .rowSparse(
                    try RowSparse(
                        indices: AnyTensor([7, Int64(step), 7], shape: [3]), values: .full([3, 3], Float(step) / 4),
                        rowCount: 8))
                #expect(try await client.push(gradients).failed.isEmpty)
                let clipped = try gradients.clipped(toGlobalNorm: 2)
                #expect(try clipped.globalNorm() < 2.0001)
                try rule.apply(to: &dense, gradient: clipped.tensor(named: "dense"), state: &denseState)
                guard case .rowSparse(let sparse) = try clipped.gradient(named: "items") else { continue }
                try rule.apply(to: &rows, rows: sparse, state: &rowState)
            }
            #expect(try Example.bits(try await client.pull().tensor(named: "dense")) == Example.bits(dense))
            let keys = Array(UInt64(0)..<8)
            #expect(try Example.bits(try await client.pull(rows: keys, of: "items")) == Example.bits(rows))
            // Rows by key alone count in as well.
            let keyed = try KeyedRows(keys: [1], values: .full([1, 3], Float(100)))
            let before = try await client.pull(rows: [1], of: "items").scalars(as: Float.self)
            _ = try await client.push(NamedTensors([("dense", .zeros([5, 3]))]), rows: ["items": keyed])
            #expect(try await client.pull(rows: [1], of: "items").scalars(as: Float.self) != before)
        }
    }

    @Test("a limit that is no number above 0 is refused")
    func refusesLimit() {
        for limit in [0, -1, .nan, .infinity] as [Double] {
            var configuration = ParameterClientConfiguration()
            configuration.globalNormLimit = limit
            do throws(ParameterServerError) {
                try configuration.validate()
                Issue.record("\(limit) was taken")
            } catch {
                #expect(error.code == .invalidConfiguration)
            }
        }
    }
}
