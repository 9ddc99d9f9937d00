import MeshTransport
import MeshWire

/// What one message has no room for.
extension CoordinationClient {
    /// The map that a call answers with; where a message has no room for it, as it is then.
    func whole(
        _ call: () async throws(CoordinationError) -> PartitionMap
    ) async throws(CoordinationError) -> PartitionMap {
        do throws(CoordinationError) {
            return try await call()
        } catch {
            guard error.code == .mapTooLarge else { throw error }
        }
        var newest: PartitionMap?
        try await calling {
            try await follow { map in
                newest = map
                return false
            }
        }
        guard let newest else { throw CoordinationError(.callFailed, "the coordinator has told no map") }
        return newest
    }

    /// Declares the tables of all parts, all or none, and again where nobody knows whether that was done.
    func declare(_ parts: [[TableRequest]]) async throws(CoordinationError) {
        let runtime = mesh.runtime
        let deadline = runtime.now.advanced(by: Self.repetitionTime)
        var wait = Self.firstRepetition
        while true {
            do throws(CoordinationError) {
                return try await calling {
                    _ = try await client.call(CoordinationService.declareManyTables) { sender in
                        for part in parts { try await sender.send(TableRequests(part)) }
                    }
                }
            } catch {
                // The mesh has no requests that it could repeat.
                guard error.mayPass, runtime.now.advanced(by: wait) < deadline,
                    (try? await runtime.sleep(for: wait)) != nil
                else { throw error }
            }
            wait = min(wait * 2, Self.longestRepetition)
        }
    }

    private func calling(_ body: () async throws -> Void) async throws(CoordinationError) {
        do {
            try await body()
        } catch let error as MeshError {
            throw CoordinationError(error)
        } catch {
            throw CoordinationError(.callFailed, "\(error)", cause: error)
        }
    }

    /// As long as a call that the mesh repeats takes by default.
    private static let repetitionTime = Duration.seconds(30)
    private static let firstRepetition = Duration.milliseconds(50)
    private static let longestRepetition = Duration.seconds(1)
}

extension CoordinationError {
    /// Whether the same call may succeed later.
    fileprivate var mayPass: Bool {
        switch code {
        case .tooFewServers, .storeUnavailable, .busy: true
        case .callFailed:
            (cause as? MeshError).map { $0.code != .deadlineExceeded && $0.progress != .answered } ?? false
        default: false
        }
    }
}
