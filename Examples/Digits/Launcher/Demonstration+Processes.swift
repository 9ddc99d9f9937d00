import Foundation

/// A running process of the mesh: who answers, and where.
struct MeshProcess: Sendable {
    var member: FamilyMember
    var spiffeID: String
    var ports: [String: Int]

    /// Where it serves `purpose`.
    ///
    /// - Throws: `DigitsError` when it did not say so.
    func endpoint(_ purpose: String) throws -> RoleConfiguration.Endpoint {
        guard let port = ports[purpose] else { throw DigitsError("\(member.name) named no port for \(purpose)") }
        return RoleConfiguration.Endpoint(port: port)
    }

    /// From the coordinator: a fresh one-time token, and what else a process needs to become a member.
    func membership(for spiffeID: String) async throws -> RoleConfiguration.Membership {
        try member.process.control.send(.issueJoinToken(spiffeID: spiffeID))
        let token = try await member.answer { if case .joinToken(let token) = $0 { token } else { nil } }
        return RoleConfiguration.Membership(
            spiffeID: spiffeID, joinToken: token, join: try endpoint("join"), coordinator: try endpoint("mesh"),
            coordinatorID: self.spiffeID)
    }
}

extension Demonstration {
    /// The fraction of push replies that the workers' transports lose on purpose.
    private static let replyLoss = 0.02

    func startCoordinator() async throws -> MeshProcess {
        let configuration = RoleConfiguration.Coordinator(
            trustDomain: SPIFFEIDs.trustDomain, spiffeID: SPIFFEIDs.coordinator, serverCount: SPIFFEIDs.servers.count,
            slots: plan.slots, certificateLifetimeSeconds: 3600)
        return try await start("coordinator", as: "coordinator", .coordinator(configuration))
    }

    func startServers(_ coordinator: MeshProcess) async throws -> [MeshProcess] {
        var servers: [MeshProcess] = []
        for index in SPIFFEIDs.servers.indices { servers.append(try await startServer(index, coordinator)) }
        return servers
    }

    /// Starts the server of that number, in its first life or in another.
    func startServer(_ index: Int, _ coordinator: MeshProcess) async throws -> MeshProcess {
        let configuration = RoleConfiguration.Server(
            membership: try await coordinator.membership(for: SPIFFEIDs.servers[index]),
            logFolder: logs.map { ($0 as NSString).appendingPathComponent("server-\(index)") })
        return try await start("server \(index)", as: "server", .server(configuration))
    }

    func startModelServer(_ coordinator: MeshProcess, modelPath: String) async throws -> MeshProcess {
        let configuration = RoleConfiguration.ModelServer(
            membership: try await coordinator.membership(for: SPIFFEIDs.modelServer), modelPath: modelPath,
            modelName: "digits", modelVersion: 1, httpPort: options.port)
        return try await start("model server", as: "model-server", .modelServer(configuration))
    }

    /// Starts the worker with that number for a slot.
    func startWorker(_ number: Int, slot: Int, coordinator: MeshProcess) async throws -> MeshProcess {
        let configuration = RoleConfiguration.Worker(
            membership: try await coordinator.membership(for: SPIFFEIDs.workers[slot]), slot: slot, plan: plan,
            firstStep: training.steps(of: slot), imagesPath: try Digits.imagesPath(),
            labelsPath: try Digits.labelsPath(), replyLoss: Self.replyLoss, faultSeed: plan.seed &+ UInt64(number))
        return try await start("worker \(number)", as: "worker", .worker(configuration))
    }

    private func start(
        _ name: String, as subcommand: String, _ configuration: RoleConfiguration
    ) async throws -> MeshProcess {
        let member = try family.start(name, as: subcommand, configuration)
        let ready = try await member.answer { if case .ready(let ready) = $0 { ready } else { nil } }
        let ports = ready.ports.sorted { $0.key < $1.key }.map { ", \($0.key) port \($0.value)" }.joined()
        console.print("Started \(name): process \(member.process.processIdentifier), \(ready.spiffeID)\(ports)")
        return MeshProcess(member: member, spiffeID: ready.spiffeID, ports: ready.ports)
    }
}
