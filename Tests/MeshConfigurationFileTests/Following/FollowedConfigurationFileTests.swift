import Identity
import Logging
import MeshConfigurationFile
import MeshTransport
import MeshWire
import MeshworkTesting
import Telemetry
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct FollowedConfigurationFileTests {
    private static let path = "/etc/mesh/mesh.yaml"

    private static func run(
        _ text: String?,
        _ body:
            @escaping @Sendable @concurrent (SimulatedRuntime, Mesh, FollowedConfigurationFile, LogCapture)
            async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            runtime.setFile(path, to: text)
            let authority = try TestAuthority(runtime: runtime)
            let log = LogCapture()
            var configuration = MeshConfiguration()
            configuration.callTimeout = .seconds(77)
            let mesh = try Mesh(
                configuration: configuration, identity: authority.identity("/a"), policy: .denyAll, runtime: runtime,
                logger: log.logger)
            try await body(runtime, mesh, try FollowedConfigurationFile(path, on: mesh), log)
        }
    }

    /// Follows the file while `body` runs.
    private static func following(
        _ file: FollowedConfigurationFile, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await file.run() }
            try await body()
            group.cancelAll()
        }
    }

    @Test("a file is put in force, and what changes in it, and what is taken out of it goes back to the host's")
    func change() async throws {
        try await Self.run("version: one\ncallTimeout: 1s\n") { runtime, mesh, file, _ in
            try await Self.following(file) {
                try await runtime.sleep(for: .milliseconds(10))
                #expect(mesh.dynamicConfiguration.callTimeout == .seconds(1))
                #expect(file.status.version == "one")
                runtime.setFile(Self.path, to: "version: two\nretry: {maximumAttempts: 9}\n")
                try await runtime.sleep(for: .milliseconds(1_500))
                #expect(mesh.dynamicConfiguration.version == "one", "it may still be being written")
                try await runtime.sleep(for: .seconds(1))
                #expect(mesh.dynamicConfiguration.version == "two")
                #expect(mesh.dynamicConfiguration.retry.maximumAttempts == 9)
                #expect(mesh.dynamicConfiguration.callTimeout == .seconds(77))
            }
        }
    }

    @Test("a file that is wrong, or gone, keeps the last good one, is told of once, and counted")
    func wrong() async throws {
        try await Self.run("version: one\ncallTimeout: 1s\n") { runtime, mesh, file, log in
            try await Self.following(file) {
                try await runtime.sleep(for: .milliseconds(10))
                runtime.setFile(Self.path, to: "callTimeout: soon\n")
                try await runtime.sleep(for: .seconds(60))
                let failure =
                    #"/etc/mesh/mesh.yaml:1:14: callTimeout: expected a time above zero such as 250ms, 2s or 1m30s, "#
                    + #"found "soon""#
                #expect(file.status.failure == failure)
                #expect(file.status.version == "one")
                #expect(mesh.dynamicConfiguration.version == "one")
                runtime.setFile(Self.path, to: nil)
                try await runtime.sleep(for: .seconds(60))
                #expect(file.status.failure == "/etc/mesh/mesh.yaml: there is none")
                runtime.setFile(Self.path, to: "version: three\n")
                try await runtime.sleep(for: .seconds(3))
                #expect(file.status.version == "three" && file.status.failure == nil)
            }
            #expect(
                mesh.metrics.lines(of: "mesh_configuration_rejections_total") == [
                    #"mesh_configuration_rejections_total{source="file"} 2"#
                ])
            let told = log.records.filter { $0.message.hasPrefix("configuration file is not taken") }
            #expect(told.count == 2 && told.allSatisfy { $0.level == .warning })
        }
    }

    @Test("a host can refuse to begin with a file that is wrong")
    func load() async throws {
        try await Self.run("callTimeout: soon\n") { runtime, mesh, file, _ in
            let before = mesh.dynamicConfiguration
            do throws(ConfigurationFileError) {
                try await file.load()
                Issue.record("expected an error")
            } catch {
                #expect(error.problems.map(\.path) == ["callTimeout"])
            }
            #expect(mesh.dynamicConfiguration == before)
            runtime.setFile(Self.path, to: "callTimeout: 2s\n")
            try await file.load()
            #expect(mesh.dynamicConfiguration.callTimeout == .seconds(2))
            runtime.setFile(Self.path, to: nil)
            do throws(ConfigurationFileError) {
                try await file.load()
                Issue.record("expected an error")
            } catch {
                #expect(error.problems.count == 1)
            }
        }
    }
}
