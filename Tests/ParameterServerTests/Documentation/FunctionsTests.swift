import Coordination
import DocumentedCode
import Foundation
import Identity
import MeshTransport
import MeshworkTesting
import Optimizers
import ParameterServer
import Tensor
import TestSupport
import Testing

/// `ServerFunctions.md` shows code that compiles, and does what the page says.
@Suite(.timeLimit(.minutes(2))) struct FunctionsTests {
    @Test("every block of the page is a region of the compiled file, to the letter, and every region is shown")
    func page() throws {
        func text(_ path: String) throws -> String {
            try String(contentsOf: Interoperability.root.appending(path: path), encoding: .utf8)
        }
        let page = try text("Sources/ParameterServer/ParameterServer.docc/ServerFunctions.md")
        let source = try text("Tests/ParameterServerTests/Documentation/Functions.swift")
        let (blocks, regions) = (DocumentedCode.blocks(of: page), DocumentedCode.regions(of: source))
        #expect(regions.count == 4)
        #expect(blocks == regions)
    }

    @Test("the page's functions make small weights 0 after a step, and tell the largest")
    func shrinks() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            let cluster = try await TestCluster.start(runtime, servers: 0)
            let server = try Functions.server(cluster.coordinator)
            try await server.register(at: cluster.coordinatorAddress)
            let client = try await cluster.client(cluster.mesh("/worker/0"))
            try await client.declare([
                TableDeclaration(
                    name: "weight", shape: [4], initializer: .zeros, key: RandomKey(seed: 1),
                    updateRule: .sgd(learningRate: 1), partitioning: .count(2))
            ])
            let gradients = try NamedTensors([("weight", AnyTensor([-1, 0.0625, 0.125, 0.5] as [Float], shape: [4]))])
            let found = try await Functions.work(client, gradients)
            #expect(found.zeros == 2 && found.largest == 0.875)
            let weights = try await client.pull().tensor(named: "weight").scalars(as: Float.self)
            #expect(weights == [0.875, 0, 0, -0.375])
        }
    }

    @Test("the page's policy has dashboards call one function and change nothing")
    func policy() throws {
        let policy = try Functions.restricted().tablePolicy
        let trainer = try SPIFFEID(parsing: "spiffe://shop/trainer/0")
        let dashboard = try SPIFFEID(parsing: "spiffe://shop/dashboard")
        #expect(policy.allows(.call, table: "weight", function: "shrink", peer: trainer))
        #expect(policy.allows(.call, table: "weight", function: "largest", peer: dashboard))
        #expect(!policy.allows(.call, table: "weight", function: "shrink", peer: dashboard))
        #expect(!policy.allows(.push, table: "weight", peer: dashboard))
    }
}
