extension ParameterReader {
    /// A snapshot of tables as they are now, of which every read gives the same bits.
    ///
    /// The servers keep it for a lease: call ``ParameterSnapshot/renew()`` before that is over, and
    /// ``ParameterSnapshot/release()`` at the end, or have ``withSnapshot(of:lease:_:)`` do both. A reader that dies
    /// leaves nothing behind when the lease is over.
    /// - Parameters:
    ///   - names: which tables; default all.
    ///   - lease: at least 1 s; servers may grant less (``SnapshotConfiguration/longestLease``). Default 60 s.
    /// - Throws: ``ParameterServerError`` with `snapshotTooLarge`, `unknownParameter`, `invalidDeclaration`,
    ///   `notAllowed`, `coordination`, `peerLost`, `callFailed` or what a server answers. Servers that can be reached
    ///   keep nothing then.
    public func snapshot(
        of names: [String]? = nil, lease: Duration = .seconds(60)
    ) async throws(ParameterServerError) -> ParameterSnapshot {
        try await ParameterSnapshot(
            try await routes(to: names), lease: lease, timeout: configuration.timeout, on: runtime)
    }

    /// Runs `body` with a snapshot whose lease is renewed meanwhile, and which is let go of afterwards.
    ///
    /// - Throws: as ``snapshot(of:lease:)``, and what `body` throws.
    public func withSnapshot<Result: Sendable>(
        of names: [String]? = nil, lease: Duration = .seconds(60),
        _ body: @escaping @Sendable (ParameterSnapshot) async throws -> Result
    ) async throws -> Result {
        let snapshot = try await snapshot(of: names, lease: lease)
        do {
            let result = try await withThrowingTaskGroup(of: Result?.self) { group in
                group.addTask { try await body(snapshot) }
                group.addTask {
                    await snapshot.keepAlive()
                    return nil
                }
                defer { group.cancelAll() }
                while let ended = try await group.next() {
                    if let result = ended { return result }
                }
                throw CancellationError()
            }
            await snapshot.release()
            return result
        } catch {
            await snapshot.release()
            throw error
        }
    }
}
