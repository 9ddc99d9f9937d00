import Coordination
import Identity
import MeshTransport
import MeshWire
import ModelServing
import ParameterServer
import Tensor

/// The launcher's own place in the mesh: it reads what the servers hold and asks the model server, like any other
/// member.
struct LauncherMesh: Sendable {
    private let member: Member
    private let reader: ParameterReader

    /// Joins, runs `body`, and leaves.
    static func with<Result: Sendable>(
        _ membership: RoleConfiguration.Membership, _ body: @escaping @Sendable (LauncherMesh) async throws -> Result
    ) async throws -> Result {
        // It serves nothing.
        let member = try await Member.join(membership, policy: .denyAll)
        let mesh = LauncherMesh(
            member: member,
            reader: try ParameterReader(CoordinationClient(member.mesh, coordinator: member.coordinator)))
        return try await member.whileRunning { try await body(mesh) }
    }

    /// The SPIFFE ID of the launcher's certificate.
    var spiffeID: String { member.mesh.identity.current.svid.spiffeID.description }

    /// The launcher's connections.
    var connections: [RoleReport.ConnectionFigures] { member.mesh.connectionFigures }

    /// Every partition's account of its pushes, asked of its server over the mesh, in the order of names.
    func partitionAccounts() async throws -> [PartitionAccount] {
        try await reader.accounts().sorted { $0.name < $1.name }
    }

    /// Writes the parameters that the servers hold as a safetensors file.
    func writeModel(to path: String) async throws {
        try Safetensors.write(try await reader.pull(), metadata: ["model": "784-512-256-10, ReLU"], to: path)
    }

    /// Asks the model server what each digit shows, one at a time.
    func predict(_ digits: HeldOutDigits, at modelServer: MeshProcess) async throws -> [PredictedDigit] {
        let endpoint = try modelServer.endpoint("mesh")
        let client = member.mesh.client(
            Destination(
                host: endpoint.host, port: endpoint.port,
                identities: [.exact(try SPIFFEID(parsing: modelServer.spiffeID))]))
        defer { client.close() }
        // The connection is made before the first call is timed.
        _ = try await client.connection()
        let clock = ContinuousClock()
        var answers: [PredictedDigit] = []
        for index in digits.labels.indices {
            let request = PredictRequest(
                model: "digits", inputs: try NamedTensors([("image", digits.image(index).core)]))
            let start = clock.now
            let answer = try await client.call(Inference.predict, request)
            let time = start.duration(to: clock.now)
            let logits = try Tensor<Float>(answer.outputs.tensor(named: "logits"))
            guard let digit = logits.scalars.indices.max(by: { logits.scalars[$0] < logits.scalars[$1] }) else {
                throw DigitsError("the model server answered without logits")
            }
            answers.append(PredictedDigit(digit: digit, microseconds: time / .microseconds(1)))
        }
        return answers
    }
}
