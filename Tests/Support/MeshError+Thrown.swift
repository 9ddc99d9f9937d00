package import MeshTransport

/// The error that `body` throws.
package func meshError(_ body: () async throws -> Void) async -> MeshError? {
    do { try await body() } catch { return error as? MeshError }
    return nil
}
