/// A role's side of its control channel: what it reports, and what the launcher asks.
package struct RoleControl: Sendable {
    private let channel: ControlChannel<RoleCommand, RoleReport>

    /// The launcher's requests after `start`, ending with `stop` or with the launcher itself. One task reads them.
    package let requests: AsyncStream<RoleCommand>

    init(channel: ControlChannel<RoleCommand, RoleReport>, requests: AsyncStream<RoleCommand>) {
        self.channel = channel
        self.requests = requests
    }

    /// Tells the launcher something; when this returns, the launcher will read it even if the process is killed now.
    package func report(_ report: RoleReport) throws(ControlError) {
        try channel.send(report)
    }

    /// Hands each request to `answer`, until `stop`.
    package func untilStopped(_ answer: (RoleCommand) async throws -> Void) async throws {
        for await request in requests { try await answer(request) }
    }

    /// Runs `body`, meanwhile hands each request to `answer`, and cancels `body` when the launcher says `stop` or dies.
    package func cancellingOnStop(
        _ answer: @escaping @Sendable (RoleCommand) async throws -> Void,
        body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { try await untilStopped(answer) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
