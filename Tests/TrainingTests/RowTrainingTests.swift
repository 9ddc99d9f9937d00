import Autodiff
import Coordination
import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import NeuralNetwork
import Optimizers
import ParameterServer
import Tensor
import Testing
import Training

@Suite struct RowTrainingTests {
    private static let rowCount = 200

    /// Classifies items by their rows of a table.
    private struct Items: Model {
        var indices: Tensor<Int32>
        var rows = RowTrainingTests.rowCount

        func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
            try p["head"].dense(p["items"].embedding(indices, rows: rows, features: 4), 3)
        }
    }

    private static func gradients(
        _ model: Items, _ labels: [Int32], at parameters: NamedTensors
    ) throws -> NamedTensors {
        try valueAndGradient(at: parameters) { parameters in
            try crossEntropy(model(Tensor.zeros([1]), ParameterScope(parameters)), Tensor(labels))
        }.gradient
    }

    /// Items in which some occur often, and their classes.
    private static func batch(_ step: Int) throws -> (items: [UInt64], labels: [Int32]) {
        let key = RandomKey(seed: 3).foldIn(UInt64(step))
        let items = try key.integers([24], in: 0..<Int32(step % 2 == 0 ? 10 : rowCount)).scalars(as: Int32.self)
        return (items.map(UInt64.init), items.map { $0 % 3 })
    }

    private static func bits(_ tensor: AnyTensor) throws -> [UInt32] {
        try tensor.scalars(as: Float.self).map(\.bitPattern)
    }

    /// Runs one worker on one server in the coordinator's process.
    private static func withServer<Result: Sendable>(
        _ body: @escaping @Sendable (ParameterClient) async throws -> Result
    ) async throws -> Result {
        try await SimulatedRuntime.run(seed: 31) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
            func mesh(_ path: String) throws -> Mesh {
                try Mesh(identity: authority.identity(path), policy: policy, runtime: runtime, logger: silent)
            }
            let central = try mesh("/server")
            let server = try ParameterServer(
                standalone: try await Coordinator(on: central, logger: silent), logger: silent)
            let address = try await central.listen(host: "127.0.0.1", port: 0)
            try await server.register(at: address)
            let coordination = CoordinationClient(
                try mesh("/worker/0"),
                coordinator: try Destination(
                    host: address.host, port: address.port, identities: [.exact(authority.id("/server"))]))
            return try await body(try ParameterClient(try await coordination.openSession(), coordination))
        }
    }

    @Test(
        "an embedding that trains on the rows of its batches alone makes the bits of one that has its whole table",
        arguments: [UpdateRule.sgd(learningRate: 0.5), .adam(learningRate: 1e-2), .adagrad(learningRate: 0.1)])
    func sameBits(rule: UpdateRule) async throws {
        let declaration = try initialize(Items(indices: [0]), key: RandomKey(seed: 4), example: [1])
        let local = try LocalParameters(declaration, updateRule: rule)
        for step in 0..<12 {
            let (items, labels) = try Self.batch(step)
            let model = Items(indices: Tensor(items.map { Int32($0) }))
            _ = try local.push(Self.gradients(model, labels, at: local.pull()))
        }
        let (head, rows) = try await Self.withServer { client in
            let name = "items/table"
            try await client.declare(
                try declaration.tables(
                    updateRule: rule, partitioning: .bytes(800), rows: [name: TableDeclaration.RowSettings()]))
            for step in 0..<12 {
                let (items, labels) = try Self.batch(step)
                let lookup = try RowLookup(items)
                var parameters = try await client.pull()
                parameters[name] = try await client.pull(rows: lookup.keys, of: name)
                let model = Items(indices: lookup.indices, rows: lookup.keys.count)
                let gradients = try Self.gradients(model, labels, at: parameters)
                let (others, rows) = try lookup.rows(takenFrom: gradients, named: name)
                let report = try await client.push(others, rows: [name: rows])
                #expect(report.failed.isEmpty)
            }
            return (
                try await client.pull(), try await client.pull(rows: (0..<UInt64(Self.rowCount)).map { $0 }, of: name)
            )
        }
        let expected = local.pull()
        #expect(head.count == 2)
        for (name, tensor) in head { #expect(try Self.bits(tensor) == Self.bits(expected.tensor(named: name))) }
        #expect(try Self.bits(rows) == Self.bits(expected.tensor(named: "items/table")))
        #expect(try Self.bits(rows) != Self.bits(declaration.initialValues().tensor(named: "items/table")))
    }

    @Test("a model's parameter with other axes is no table of rows")
    func wrongNames() throws {
        let declaration = try initialize(Items(indices: [0]), key: RandomKey(seed: 4), example: [1])
        for name in ["head/bias", "nothing"] {
            let error = #expect(throws: ParameterServerError.self) {
                try declaration.tables(updateRule: .adam(), rows: [name: TableDeclaration.RowSettings()])
            }
            #expect(error?.code == .invalidDeclaration)
            #expect(error?.message.contains(name) == true)
        }
    }

    @Test("a model's row tables become tables whose rows are any, in so many partitions and with so many followers")
    func tables() throws {
        var settings = TableDeclaration.RowSettings()
        settings.timeToLive = 7
        let tables = try RowModel.declaration().tables(
            updateRule: .adam(), rows: ["items/table": settings], rowPartitions: 5, replicas: 2)
        #expect(
            tables.map(\.name) == [
                "users/table", "items/table", "head/weight", "head/bias", "other/weight", "other/bias",
            ])
        #expect(tables.map(\.partitionCount) == [5, 5, 1, 1, 1, 1])
        #expect(tables.map { $0.rows?.timeToLive } == [nil, 7, nil, nil, nil, nil])
        #expect(tables.map { $0.rows == nil } == [false, false, true, true, true, true])
        #expect(tables.prefix(2).map(\.shape) == [[3], [4]])
        #expect(tables.allSatisfy { $0.replicas == 2 && $0.rows?.keyLimit == nil })
    }

    @Test("a gradient of another number of rows than were looked up is an error")
    func wrongRows() throws {
        let lookup = try RowLookup([7, 3, 7])
        #expect(lookup.keys == [3, 7])
        #expect(try lookup.indices.core.scalars(as: Int32.self) == [1, 0, 1])
        let error = #expect(throws: TensorError.self) {
            try lookup.rows(takenFrom: NamedTensors([("t", .ones([3, 2]))]), named: "t")
        }
        #expect(error?.code == .shapeMismatch)
        let rows = try lookup.rows(takenFrom: NamedTensors([("t", .ones([2, 2]))]), named: "t").rows
        #expect(rows.keys == [3, 7])
    }

    @Test("on one machine, rows among the gradients step a row table as rows by key do")
    func rowsAmongGradients() throws {
        let model = Items(indices: Tensor([3, 5, 3]))
        let declaration = try initialize(model, key: RandomKey(seed: 2), example: Tensor<Float>.zeros([1]))
        let stores = try (0..<2).map { _ in
            try LocalParameters(declaration, updateRule: .sgd(learningRate: 1), rows: ["items/table": .init()])
        }
        let keys: [UInt64] = [3, 5]
        let values = try AnyTensor([1, 2, 3, 4, 5, 6, 7, 8] as [Float], shape: [2, 4])
        var sparse = try stores[0].pull().mapValues { _, tensor throws(TensorError) in try AnyTensor.zeros(tensor.shape)
        }
        let dense = sparse
        sparse[gradient: "items/table"] = .rowSparse(
            try RowSparse(indices: AnyTensor([3, 5] as [Int64], shape: [2]), values: values, rowCount: Self.rowCount))
        let before = try stores[0].pull(rows: ["items/table": keys]).tables["items/table"]
        _ = try stores[0].push(sparse)
        _ = try stores[1].push(
            dense, rows: ["items/table": try KeyedRows(keys: keys, values: values)], computedFrom: nil)
        let after = try stores.map { try $0.pull(rows: ["items/table": keys]).tables.tensor(named: "items/table") }
        #expect(try after[0].scalars(as: Float.self) == after[1].scalars(as: Float.self))
        #expect(try after[0].scalars(as: Float.self) != before?.scalars(as: Float.self))
    }
}
