import Coordination
import MeshTransport
import Optimizers
import ParameterServer
import Tensor

/// The code of `ServerFunctions.md`: each region is a block of the page.
enum Functions {
    // docs: functions
    /// Moves every weight towards 0 by as much as the threshold, and those that reach it to 0: the proximal step of an L1
    /// penalty. Answers how many weights are 0.
    static let shrink = ServerFunction(updating: "shrink", combine: +) {
        (values: inout PartitionValues, threshold: Float) -> Int in
        let weights = values.parameters
        values.parameters = weights - weights.clipped(from: Tensor(-threshold), to: Tensor(threshold))
        return values.parameters.scalars.count { $0 == 0 }
    }

    /// The largest weight by its magnitude.
    static let largest = ServerFunction(reading: "largest", combine: max) {
        (values: PartitionValues, _: Bool) -> Float in
        values.parameters.scalars.reduce(0) { max($0, abs($1)) }
    }
    // docs: end

    static func server(_ coordinator: Coordinator) throws -> ParameterServer {
        // docs: server
        let server = try ParameterServer(
            standalone: coordinator, functions: [Functions.shrink.registered, Functions.largest.registered])
        // docs: end
        return server
    }

    static func work(_ client: ParameterClient, _ gradients: NamedTensors) async throws -> (
        zeros: Int?, largest: Float?
    ) {
        // docs: call
        _ = try await client.push(gradients)
        let report = try await client.call(Functions.shrink, 0.125, on: "weight")
        for failure in report.pushes.failed { print(failure.push.name, failure.error) }
        let largest = try await client.call(Functions.largest, true, on: "weight").combined
        // docs: end
        return (report.combined, largest)
    }

    static func restricted() throws -> ParameterServerConfiguration {
        // docs: policy
        var configuration = ParameterServerConfiguration()
        configuration.tablePolicy = try TablePolicy(rules: [
            .init("trainers", tables: ["*"], verbs: [.pull, .push, .call], identities: ["spiffe://shop/trainer/*"]),
            .init(
                "dashboards look", tables: ["*"], verbs: [.call], functions: ["largest"],
                identities: ["spiffe://shop/dashboard"]),
        ])
        // docs: end
        return configuration
    }
}
