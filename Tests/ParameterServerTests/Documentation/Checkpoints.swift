import Coordination
import ParameterServer

/// The code of `Checkpoints.md`: each region is a block of the page.
enum Checkpoints {
    static func server(_ folder: String) -> ParameterServerConfiguration {
        // docs: server
        var configuration = ParameterServerConfiguration()
        configuration.checkpoints = CheckpointConfiguration(folder: folder)
        // docs: end
        return configuration
    }

    static func write(
        _ coordination: CoordinationClient, _ folder: String
    ) async throws -> (ParameterCheckpoints, CheckpointManifest) {
        // docs: write
        let checkpoints = try ParameterCheckpoints(coordination, job: "ads", folder: folder)
        let manifest = try await checkpoints.write(step: 1_200) { progress in
            print("\(progress.done) of \(progress.total) partitions")
        }
        // docs: end
        return (checkpoints, manifest)
    }

    static func restore(_ checkpoints: ParameterCheckpoints) async throws -> RollBackReport {
        // docs: restore
        let report = try await checkpoints.restore()
        for (session, pushes) in report.lost { print("session \(session) has lost \(pushes) pushes") }
        // docs: end
        return report
    }

    static func export(_ coordination: CoordinationClient, _ file: String) async throws {
        // docs: export
        let reader = try ParameterReader(coordination)
        try await reader.export(to: file)
        // docs: end
        reader.close()
    }

    static func start(
        _ checkpoints: ParameterCheckpoints, _ tables: [TableDeclaration], _ file: String
    ) async throws -> RollBackReport {
        // docs: start
        let report = try await checkpoints.warmStart(tables, from: file)
        // docs: end
        return report
    }
}
