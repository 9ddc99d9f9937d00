import ParameterServer

/// The parameter server's error that `body` ends with, if it does.
func parameterServerError(_ body: () async throws -> Void) async -> ParameterServerError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? ParameterServerError
    }
}
